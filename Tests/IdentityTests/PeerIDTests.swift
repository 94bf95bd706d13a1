import Cryptography
import Identity
import TestKit
import Testing
import Wire

@Suite("A peer id") struct PeerIDTests {
    private struct Vector: Decodable {
        var type: String
        var `private`: String
        var `public`: String
        var peerID: String
        var peerIDHex: String
        var cid: String

        enum CodingKeys: String, CodingKey {
            case type, `private`, `public`, cid
            case peerID = "peer_id"
            case peerIDHex = "peer_id_hex"
        }
    }

    private struct Signature: Decodable {
        var type: String
        var `public`: String
        var message: String
        var signature: String
    }

    private struct KademliaVector: Decodable {
        var peerID: String?
        var peerIDHex: String?
        var kademliaID: String

        enum CodingKeys: String, CodingKey {
            case peerID = "peer_id"
            case peerIDHex = "peer_id_hex"
            case kademliaID = "kad_id"
        }
    }

    @Test("is the published one for each kind of key, in every form") func published() throws {
        let vectors = try Repository.vectors("Specs/vectors/peer_ids.json", as: [Vector].self)
        #expect(vectors.map(\.type) == ["ed25519", "secp256k1", "ecdsa", "rsa"])
        for vector in vectors {
            let key = try PublicKey(protobuf: hex(vector.public))
            #expect(key.protobuf.hexadecimal == vector.public)
            #expect(key.peerID.description == vector.peerID)
            #expect(key.peerID.bytes.hexadecimal == vector.peerIDHex)
            #expect(key.peerID.cidText == vector.cid)
            #expect(try PeerID(vector.peerID) == key.peerID)
            #expect(try PeerID(vector.cid) == key.peerID)
            #expect(try PeerID(bytes: hex(vector.peerIDHex)) == key.peerID)
            #expect(try PeerID(CID(vector.cid).text(in: .base36)) == key.peerID)
            let holdsKey = vector.type == "ed25519" || vector.type == "secp256k1"
            #expect(key.peerID.publicKey == (holdsKey ? key : nil))
            let address = try Multiaddr("/ip4/127.0.0.1/tcp/1").appending(key.peerID.component)
            #expect(address.description == "/ip4/127.0.0.1/tcp/1/p2p/\(vector.peerID)")
            #expect(try PeerID(bytes: #require(address.peerIDBytes)) == key.peerID)
        }
    }

    @Test("belongs to a key whose signatures are checked, of each kind") func signatures() throws {
        let vectors = try Repository.vectors("Specs/vectors/foreign_signatures.json", as: [Signature].self)
        #expect(vectors.map(\.type) == ["ed25519", "secp256k1", "ecdsa", "rsa"])
        for vector in vectors {
            let key = try PublicKey(protobuf: hex(vector.public))
            let message = try hex(vector.message)
            let signature = try hex(vector.signature)
            #expect(key.isValidSignature(signature, for: message), "\(vector.type)")
            #expect(!key.isValidSignature(signature, for: message + [0]), "\(vector.type)")
            #expect(!key.isValidSignature(signature + [0], for: message), "\(vector.type)")
            #expect(!key.isValidSignature([], for: message), "\(vector.type)")
            for index in signature.indices {
                var wrong = signature
                wrong[index] ^= 1
                #expect(!key.isValidSignature(wrong, for: message), "\(vector.type), byte \(index)")
            }
        }
    }

    @Test("has the place in the hash table that the specification gives it") func kademlia() throws {
        let vectors = try Repository.vectors("Specs/vectors/kad_ids.json", as: [KademliaVector].self)
        let vector = try #require(vectors.first { $0.peerID != nil })
        let peerID = try PeerID(vector.peerID ?? "")
        #expect(peerID.bytes.hexadecimal == vector.peerIDHex)
        #expect(SHA256.digest(peerID.bytes).hexadecimal == vector.kademliaID)
    }

    @Test("is one and the same however its key was encoded") func canonical() throws {
        let key = try makeKeyPair().publicKey
        let data = key.data
        let variants: [[UInt8]] = [
            [0x12, 0x20] + data + [0x08, 0x01],  // Reordered.
            [0x08, 0x01, 0x12, 0x20] + data + [0x1a, 0x01, 0x00],  // An unknown field.
            [0x08, 0x81, 0x00, 0x12, 0x20] + data,  // A long varint.
            [0x08, 0x00, 0x08, 0x01, 0x12, 0x20] + data,  // The last of two types counts.
        ]
        for variant in variants {
            #expect(try PublicKey(protobuf: variant) == key)
            #expect(try PublicKey(protobuf: variant).peerID == key.peerID)
            let inlined = [0x00, UInt8(variant.count)] + variant
            #expect(throws: IdentityError.self) { try PeerID(bytes: inlined) }
        }
    }

    @Test(
        "is refused as bytes when it is malformed",
        arguments: [
            "", "00", "0000", "002408011220", "0024080112", "1220", "12021234",
            "1320" + String(repeating: "00", count: 32),
            "0024080212" + "20" + String(repeating: "11", count: 32),
            "0024080512" + "20" + String(repeating: "11", count: 32),
            "0023080112" + "1f" + String(repeating: "11", count: 31),
            "0025080112" + "21" + String(repeating: "11", count: 33), "002b" + String(repeating: "00", count: 43),
            "0025080212" + "21" + "02" + String(repeating: "ff", count: 32),
            "122001" + String(repeating: "00", count: 32), "8000" + "00",
        ])
    func refusesBytes(bytes: String) throws {
        let bytes = try hex(bytes)
        #expect(throws: IdentityError.self) { try PeerID(bytes: bytes) }
    }

    @Test(
        "is refused as text when it is malformed",
        arguments: [
            "", "1", "Qm", "12D3KooW", "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pQ1",
            "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3p0",
            "bafybeihfg3d7rdltd43u3tfvncx7n5loqofbsobojcadtmokrljfthuc7y",
            "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdGG", "dsmp://", "localhost", " 12D3KooW", "k51", "z12D3KooW",
            String(repeating: "1", count: 600),
        ])
    func refusesText(text: String) {
        #expect(throws: IdentityError.self) { try PeerID(text) }
    }

    @Test("is ordered by its bytes") func order() throws {
        var random = SplitMix64(seed: 41)
        let ids = try (0..<50).map { _ in try KeyPair(seed: random.bytes(32)).peerID }
        let sorted = ids.sorted()
        for (left, right) in zip(sorted, sorted.dropFirst()) {
            #expect(left.bytes.lexicographicallyPrecedes(right.bytes))
        }
        #expect(Set(ids).count == 50)
    }
}
