import Foundation
import Identity
import Kademlia
import Wire

/// An IPNS record of version 2 (specs.ipfs.tech/ipns/ipns-record): what `/ipns/<binary peer id>` holds. Only for the tests, which
/// need a namespace that go-libp2p validates and ranks.
struct NameRecord {
    /// Signs a record. The fields of the signed map are in the order of DAG-CBOR: shorter names first.
    static func make(key: KeyPair, value: String, sequence: UInt64, expires: String = "2037-01-01T00:00:00Z") -> [UInt8]
    {
        var data: [UInt8] = [0xa5]  // A map of five.
        data += self.text("TTL") + self.unsigned(60_000_000_000)
        data += self.text("Value") + self.bytes(Array(value.utf8))
        data += self.text("Sequence") + self.unsigned(sequence)
        data += self.text("Validity") + self.bytes(Array(expires.utf8))
        data += self.text("ValidityType") + self.unsigned(0)
        let signature = key.sign(Array("ipns-signature:".utf8) + data)
        var record: [UInt8] = [0x42]  // Field 8: the signature of version 2.
        record.appendLengthPrefixed(signature)
        record.append(0x4a)  // Field 9: what it signs.
        record.appendLengthPrefixed(data)
        return record
    }

    let value: [UInt8]
    let sequence: UInt64
    let expires: String

    /// Reads a record and checks its signature.
    init(_ bytes: [UInt8], signedBy key: PublicKey) throws {
        var fields: [UInt64: ArraySlice<UInt8>] = [:]
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            let tag = try reader.varint()
            switch tag & 7 {
            case 0: _ = try reader.varint()
            case 2: fields[tag >> 3] = try reader.lengthPrefixed(limit: 10_240)
            default: throw ValueRefusal.invalid("a field of another kind")
            }
        }
        guard let signature = fields[8], let data = fields[9],
            key.isValidSignature(Array(signature), for: Array("ipns-signature:".utf8) + data)
        else { throw ValueRefusal.invalid("the signature is not valid") }
        let map = try Self.map(data)
        guard case .bytes(let value)? = map["Value"], case .unsigned(let sequence)? = map["Sequence"],
            case .bytes(let validity)? = map["Validity"], case .unsigned(0)? = map["ValidityType"]
        else { throw ValueRefusal.invalid("a field is missing") }
        self.value = value
        self.sequence = sequence
        self.expires = String(decoding: validity, as: UTF8.self)
    }

    // MARK: As much of CBOR as these records have

    private enum Item {
        case unsigned(UInt64)
        case bytes([UInt8])
    }

    private static func head(_ kind: UInt8, _ count: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(count)
        switch count {
        case 0..<24: return [kind << 5 | UInt8(count)]
        case 24...UInt64(UInt8.max): return [kind << 5 | 24] + bytes.suffix(1)
        case ...UInt64(UInt16.max): return [kind << 5 | 25] + bytes.suffix(2)
        case ...UInt64(UInt32.max): return [kind << 5 | 26] + bytes.suffix(4)
        default: return [kind << 5 | 27] + bytes
        }
    }

    private static func unsigned(_ value: UInt64) -> [UInt8] { self.head(0, value) }
    private static func bytes(_ value: [UInt8]) -> [UInt8] { self.head(2, UInt64(value.count)) + value }
    private static func text(_ value: String) -> [UInt8] { self.head(3, UInt64(value.utf8.count)) + Array(value.utf8) }

    private static func map(_ bytes: ArraySlice<UInt8>) throws -> [String: Item] {
        var reader = ByteReader(bytes)
        let (kind, count) = try self.readHead(&reader)
        guard kind == 5, count <= 16 else { throw ValueRefusal.invalid("not a map") }
        var map: [String: Item] = [:]
        for _ in 0..<count {
            let (nameKind, length) = try self.readHead(&reader)
            guard nameKind == 3, length <= 64 else { throw ValueRefusal.invalid("not a name") }
            let name = String(decoding: try reader.bytes(count: Int(length)), as: UTF8.self)
            let (itemKind, value) = try self.readHead(&reader)
            switch itemKind {
            case 0: map[name] = .unsigned(value)
            case 2 where value <= 10_240: map[name] = .bytes(Array(try reader.bytes(count: Int(value))))
            default: throw ValueRefusal.invalid("not a value")
            }
        }
        return map
    }

    private static func readHead(_ reader: inout ByteReader) throws -> (kind: UInt8, count: UInt64) {
        let first = try reader.byte()
        switch first & 0x1f {
        case let small where small < 24: return (first >> 5, UInt64(small))
        case 24: return (first >> 5, UInt64(try reader.byte()))
        case 25: return (first >> 5, UInt64(try reader.bigEndian(UInt16.self)))
        case 26: return (first >> 5, UInt64(try reader.bigEndian(UInt32.self)))
        case 27: return (first >> 5, try reader.bigEndian(UInt64.self))
        default: throw ValueRefusal.invalid("an unknown length")
        }
    }
}

/// The namespace `ipns`: signed by the key in the record's name, the greater sequence is better, then the later expiry.
struct NameValidator: RecordValidator {
    func validate(key: [UInt8], value: [UInt8], unixMilliseconds: UInt64) throws(ValueRefusal) -> UInt64? {
        guard let record = self.record(key, value) else { throw .invalid("not a record of this name") }
        let now = Date(timeIntervalSince1970: Double(unixMilliseconds) / 1_000).ISO8601Format()
        guard record.expires.prefix(19) > now.prefix(19) else { throw .expired }
        return nil
    }

    func compare(key: [UInt8], _ first: [UInt8], _ second: [UInt8]) -> RecordOrder {
        guard let left = self.record(key, first), let right = self.record(key, second) else { return .same }
        let (leftRank, rightRank) = ((left.sequence, left.expires), (right.sequence, right.expires))
        return leftRank > rightRank ? .firstIsBetter : leftRank < rightRank ? .secondIsBetter : .conflicting
    }

    private func record(_ key: [UInt8], _ value: [UInt8]) -> NameRecord? {
        guard let peer = try? PeerID(bytes: Array(key.dropFirst("/ipns/".utf8.count))) else { return nil }
        guard let publicKey = peer.publicKey else { return nil }
        return try? NameRecord(value, signedBy: publicKey)
    }
}

/// The namespace `pk`: a public key under the peer id that follows from it.
struct PublicKeyValidator: RecordValidator {
    func validate(key: [UInt8], value: [UInt8], unixMilliseconds: UInt64) throws(ValueRefusal) -> UInt64? {
        guard let publicKey = try? PublicKey(protobuf: value),
            PeerID(publicKey).bytes[...] == key.dropFirst("/pk/".utf8.count)
        else { throw .invalid("not the key of this peer id") }
        return nil
    }

    func compare(key: [UInt8], _ first: [UInt8], _ second: [UInt8]) -> RecordOrder { .same }
}
