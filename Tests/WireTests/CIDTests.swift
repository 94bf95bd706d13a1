import TestKit
import Testing
import Wire

@Suite("A content identifier") struct CIDTests {
    private struct Vector: Decodable {
        var multihash: String?
        var cid: String?
    }

    @Test("is the published one") func published() throws {
        let vectors = try Repository.vectors("Specs/vectors/kad_ids.json", as: [Vector].self)
        let vector = try #require(vectors.first { $0.cid != nil })
        let cid = try CID(vector.cid ?? "")
        #expect(cid.multihash.bytes.hexadecimal == vector.multihash)
        #expect(cid.codec == CID.Codec(rawValue: 0x70))
        #expect(cid.description == vector.cid)
    }

    @Test("of raw bytes is what `ipfs add --cid-version 1` prints") func raw() throws {
        // SHA-256 of nothing.
        let digest = [UInt8](hexadecimal: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        let cid = try CID.raw(sha256: digest ?? [])
        #expect(cid.description == "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")
        #expect(throws: WireError.self) { try CID.raw(sha256: [1, 2, 3]) }
    }

    @Test("survives a round trip in bytes and every base") func roundTrips() throws {
        var random = SplitMix64(seed: 3)
        for round in 0..<1_000 {
            let function: Multihash.Function = random.oneIn(2) ? .sha256 : .init(rawValue: random.next() >> 40 | 0x100)
            let digest = random.bytes(function == .sha256 ? 32 : Int(random.next() % 129))
            let cid = CID(.init(rawValue: random.next() >> 45), try Multihash(function, digest: digest))
            #expect(try CID(bytes: cid.bytes) == cid, "round \(round) of seed 3")
            for base in Multibase.allCases { #expect(try CID(cid.text(in: base)) == cid, "round \(round) of seed 3") }
        }
    }

    @Test("has at most 149 bytes") func isBounded() throws {
        let largest = Varint.maximum
        let multihash = try Multihash(.init(rawValue: largest), digest: [UInt8](repeating: 1, count: 128))
        let longest = CID(.init(rawValue: largest), multihash)
        #expect(longest.bytes.count == CID.maximumByteCount)
        #expect(try CID(longest.description) == longest)
        #expect(throws: WireError.overLimit(value: 150, limit: 149)) { try CID(bytes: longest.bytes + [0]) }
    }

    @Test(
        "is refused when it is malformed",
        arguments: [
            "", "b", "bafkrei", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG",
            "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykuaa", "not a cid", "z", "f015512",
            "f0155122100", "f01551221" + "00", "f8001551200", "f0255122000", "f01d50012" + "00",
            "f0155" + "12ffffffffffffffff7f",
        ])
    func refuses(text: String) {
        #expect(throws: WireError.self) { try CID(text) }
    }
}

@Suite("A multihash") struct MultihashTests {
    @Test("is code, length and digest") func encodes() throws {
        #expect(try Multihash(.identity, digest: [1, 2]).bytes == [0, 2, 1, 2])
        let digest = [UInt8](repeating: 9, count: 32)
        #expect(try Multihash(.sha256, digest: digest).bytes == [0x12, 0x20] + digest)
        #expect(try Multihash(bytes: [0x12, 0x20] + digest).digest == digest)
    }

    @Test("has a digest of at most 128 bytes") func isBounded() throws {
        let other = Multihash.Function(rawValue: 0x1e)
        let longest = [UInt8](repeating: 1, count: Multihash.maximumDigestByteCount)
        let multihash = try Multihash(other, digest: longest)
        #expect(try Multihash(bytes: multihash.bytes) == multihash)
        #expect(throws: WireError.overLimit(value: 129, limit: 128)) { try Multihash(other, digest: longest + [1]) }
        #expect(throws: WireError.overLimit(value: 129, limit: 128)) {
            try Multihash(bytes: [0x1e, 0x81, 0x01] + longest + [1])
        }
    }

    @Test(
        "is refused when it is malformed",
        arguments: [
            [], [0x12], [0x12, 0x20], [0x12, 0x02, 1, 2], [0x00, 0x02, 1], [0x00, 0x01, 1, 2], [0x80, 0x00, 0x00],
        ]
            as [[UInt8]])
    func refuses(bytes: [UInt8]) {
        #expect(throws: WireError.self) { try Multihash(bytes: bytes) }
    }
}
