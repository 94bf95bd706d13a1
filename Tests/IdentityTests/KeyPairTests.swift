import Cryptography
import Identity
import TestKit
import Testing
import Wire

@Suite("A key pair") struct KeyPairTests {
    private struct Vector: Decodable {
        var type: String
        var `private`: String
        var peerID: String

        enum CodingKeys: String, CodingKey {
            case type, `private`
            case peerID = "peer_id"
        }
    }

    @Test("reads and writes the private key as libp2p does") func published() throws {
        for vector in try Repository.vectors("Specs/vectors/peer_ids.json", as: [Vector].self) {
            let bytes = try hex(vector.private)
            guard vector.type == "ed25519" else {
                #expect(throws: IdentityError.self, "\(vector.type)") { try KeyPair(privateKeyProtobuf: bytes) }
                continue
            }
            let keyPair = try KeyPair(privateKeyProtobuf: bytes)
            #expect(keyPair.peerID.description == vector.peerID)
            #expect(keyPair.privateKeyProtobuf == bytes)
            let older = [0x08, 0x01, 0x12, 0x60] + bytes[4...] + bytes[36...]
            #expect(try KeyPair(privateKeyProtobuf: older).privateKeyProtobuf == bytes)
        }
    }

    @Test("is refused when its halves do not belong together or it is cut") func refusals() throws {
        let bytes = try makeKeyPair().privateKeyProtobuf
        for index in bytes.indices {
            var wrong = bytes
            wrong[index] ^= 1
            #expect(throws: IdentityError.self, "byte \(index)") { try KeyPair(privateKeyProtobuf: wrong) }
            #expect(throws: IdentityError.self) { try KeyPair(privateKeyProtobuf: Array(bytes[..<index])) }
        }
        var older = [0x08, 0x01, 0x12, 0x60] + bytes[4...] + bytes[36...]
        older[70] ^= 1
        #expect(throws: IdentityError.self) { try KeyPair(privateKeyProtobuf: older) }
        #expect(throws: IdentityError.self) { try KeyPair(privateKeyProtobuf: [UInt8](repeating: 0, count: 257)) }
        for count in [0, 31, 33, 64] {
            #expect(throws: KeyError.wrongSeedLength(byteCount: count)) {
                try KeyPair(seed: [UInt8](repeating: 1, count: count))
            }
        }
    }

    @Test("signs what its public key checks") func signs() throws {
        let keyPair = try makeKeyPair()
        let signature = keyPair.sign([1, 2, 3])
        #expect(keyPair.publicKey.isValidSignature(signature, for: [1, 2, 3]))
        #expect(keyPair.peerID.publicKey?.isValidSignature(signature, for: [1, 2, 3]) == true)
        #expect(try !makeKeyPair(2).publicKey.isValidSignature(signature, for: [1, 2, 3]))
    }

    @Test("opens what was sealed to its peer id") func opensBoxes() throws {
        let keyPair = try makeKeyPair()
        let publicKey = try #require(keyPair.peerID.publicKey)
        let recipient = try KeyAgreementKey.publicKey(ofEd25519: publicKey.data)
        let box = try SealedBox.seal(
            [1, 2, 3], to: recipient, associatedData: [4], ephemeralPrivateKey: [UInt8](repeating: 6, count: 32))
        #expect(try SealedBox.open(box, with: keyPair.keyAgreementKey(), associatedData: [4]) == [1, 2, 3])
    }
}

@Suite("A public key") struct PublicKeyTests {
    @Test(
        "is refused when it is malformed",
        arguments: [
            "", "0801", "1220" + String(repeating: "11", count: 32), "08011200",
            "0801121f" + String(repeating: "11", count: 31),
            "08011221" + String(repeating: "11", count: 33), "08041220" + String(repeating: "11", count: 32),
            "0800120101", "0802120102", "0803120103", "0801122011", "08ffffffffffffffffff011220",
        ])
    func refuses(bytes: String) throws {
        let bytes = try hex(bytes)
        #expect(throws: IdentityError.self) { try PublicKey(protobuf: bytes) }
    }

    @Test("is at most as long as an RSA key of 8192 bits") func isBounded() {
        let bytes = [UInt8](repeating: 0, count: PublicKey.maximumByteCount + 1)
        #expect(
            throws: IdentityError.malformed(
                .overLimit(value: UInt64(bytes.count), limit: PublicKey.maximumByteCount))
        ) { try PublicKey(protobuf: bytes) }
    }
}
