import Identity
import TestKit
import Testing
import Wire

@Suite("A signed envelope") struct SignedEnvelopeTests {
    private struct Vector: Decodable {
        var envelope: String
        var signedBytes: String
        var publicKey: String
        var peerID: String
        var seq: UInt64
        var addrs: [String]

        enum CodingKeys: String, CodingKey {
            case envelope, seq, addrs
            case signedBytes = "signed_bytes"
            case publicKey = "public_key"
            case peerID = "peer_id"
        }
    }

    private static func vector() throws -> Vector {
        try Repository.vectors("Specs/vectors/signed_peer_record_go.json", as: Vector.self)
    }

    @Test("of go-libp2p is read, and written byte for byte") func published() throws {
        let vector = try Self.vector()
        let bytes = try hex(vector.envelope)
        let envelope = try SignedEnvelope(verifying: bytes, domain: .peerRecord)
        #expect(envelope.publicKey.protobuf.hexadecimal == vector.publicKey)
        #expect(envelope.signer.description == vector.peerID)
        #expect(
            SignedEnvelope.signedBytes(envelope.payload, domain: .peerRecord).hexadecimal == vector.signedBytes)
        #expect(envelope.bytes == bytes)

        let record = try PeerRecord(verifying: bytes, from: envelope.signer)
        #expect(record.peerID.description == vector.peerID)
        #expect(record.sequence == vector.seq)
        #expect(record.addresses.map(\.description) == vector.addrs)
        #expect(record.bytes == envelope.payload)
    }

    @Test("is valid only whole") func everyByte() throws {
        let keyPair = try makeKeyPair()
        let domain = SigningDomain("test", payloadType: [9, 9])
        let envelope = SignedEnvelope([1, 2, 3], domain: domain, signedBy: keyPair)
        let bytes = envelope.bytes
        #expect(try SignedEnvelope(verifying: bytes, domain: domain) == envelope)
        for index in bytes.indices {
            for mask: UInt8 in [0x01, 0x80] {
                var wrong = bytes
                wrong[index] ^= mask
                #expect(throws: IdentityError.self, "byte \(index)") {
                    try SignedEnvelope(verifying: wrong, domain: domain)
                }
            }
            #expect(throws: IdentityError.self) {
                try SignedEnvelope(verifying: Array(bytes[..<index]), domain: domain)
            }
        }
    }

    @Test("is valid only for its purpose and type") func domains() throws {
        let keyPair = try makeKeyPair()
        let domain = SigningDomain("one", payloadType: [1])
        let bytes = SignedEnvelope([1, 2, 3], domain: domain, signedBy: keyPair).bytes
        #expect(throws: IdentityError.invalidSignature) {
            try SignedEnvelope(verifying: bytes, domain: SigningDomain("two", payloadType: [1]))
        }
        #expect(throws: IdentityError.wrongPayloadType([1])) {
            try SignedEnvelope(verifying: bytes, domain: SigningDomain("one", payloadType: [2]))
        }
        // Lengths are signed, so that bytes cannot move from one part to the next.
        let left = SignedEnvelope.signedBytes([2, 3], domain: SigningDomain("ab", payloadType: [1]))
        let right = SignedEnvelope.signedBytes([3], domain: SigningDomain("ab", payloadType: [1, 2]))
        #expect(left != right)
    }

    @Test("is bounded before it is decoded") func isBounded() throws {
        let keyPair = try makeKeyPair()
        let domain = SigningDomain("test", payloadType: [1])
        let bytes = SignedEnvelope([UInt8](repeating: 0, count: 100), domain: domain, signedBy: keyPair).bytes
        #expect(try SignedEnvelope(verifying: bytes, domain: domain, limit: bytes.count).payload.count == 100)
        #expect(throws: IdentityError.malformed(.overLimit(value: UInt64(bytes.count), limit: bytes.count - 1))) {
            try SignedEnvelope(verifying: bytes, domain: domain, limit: bytes.count - 1)
        }
    }

    @Test("has at most 64 KiB where its place says nothing else") func defaultBound() throws {
        let keyPair = try makeKeyPair()
        let domain = SigningDomain("test", payloadType: [1])
        let frameByteCount =
            SignedEnvelope([UInt8](repeating: 0, count: 65_000), domain: domain, signedBy: keyPair)
            .bytes.count - 65_000
        let longest = [UInt8](repeating: 0, count: SignedEnvelope.maximumByteCount - frameByteCount)
        let bytes = SignedEnvelope(longest, domain: domain, signedBy: keyPair).bytes
        #expect(bytes.count == SignedEnvelope.maximumByteCount)
        #expect(try SignedEnvelope(verifying: bytes, domain: domain).payload == longest)
        let longer = SignedEnvelope(longest + [0], domain: domain, signedBy: keyPair).bytes
        #expect(throws: IdentityError.malformed(.overLimit(value: 65_537, limit: 65_536))) {
            try SignedEnvelope(verifying: longer, domain: domain)
        }
    }

    @Test("with a record counts only from the peer that it is about") func foreignRecords() throws {
        let own = try makeKeyPair(1)
        let other = try makeKeyPair(2)
        let record = PeerRecord(peerID: own.peerID, sequence: 1, addresses: [try Multiaddr("/ip4/1.2.3.4/tcp/5")])
        let bytes = record.signed(by: own).bytes
        #expect(try PeerRecord(verifying: bytes, from: own.peerID) == record)
        #expect(throws: IdentityError.wrongPeer(expected: other.peerID, found: own.peerID)) {
            try PeerRecord(verifying: bytes, from: other.peerID)
        }
        // The right signer, about somebody else.
        let foreign = SignedEnvelope(record.bytes, domain: .peerRecord, signedBy: other).bytes
        #expect(throws: IdentityError.wrongPeer(expected: other.peerID, found: own.peerID)) {
            try PeerRecord(verifying: foreign, from: other.peerID)
        }
        // The constants in the text of RFC 0003, which nobody uses.
        let older = SigningDomain("libp2p-routing-state", payloadType: Array("/libp2p/routing-state-record".utf8))
        #expect(throws: IdentityError.wrongPayloadType(older.payloadType)) {
            try PeerRecord(
                verifying: SignedEnvelope(record.bytes, domain: older, signedBy: own).bytes, from: own.peerID)
        }
    }

    @Test("with a record keeps 64 known addresses in 8 KiB") func recordBounds() throws {
        let peerID = try makeKeyPair().peerID
        var message = PeerRecordMessage()
        message.peerID = peerID.bytes.data
        for number in 0..<100 {
            let known = Multiaddr(tcp: SocketEndpoint(.v4(UInt32(number)), port: 1)).bytes
            var entry = PeerRecordMessage.AddressInfo()
            entry.multiaddr = number == 0 ? [0x84, 0x08, 0x01].data : known.data
            message.addresses.append(entry)
        }
        let record = try PeerRecord(bytes: encode(message))
        #expect(record.addresses.count == PeerRecord.maximumAddressCount - 1)
        #expect(record.addresses.first?.description == "/ip4/0.0.0.1/tcp/1")
        #expect(record.sequence == 0)
        let long = [UInt8](repeating: 0, count: PeerRecord.maximumByteCount + 1)
        #expect(throws: IdentityError.malformed(.overLimit(value: 8_193, limit: 8_192))) { try PeerRecord(bytes: long) }
        message.peerID = [1, 2, 3].data
        #expect(throws: IdentityError.self) { try PeerRecord(bytes: encode(message)) }
    }
}
