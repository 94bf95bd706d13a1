import Identity
import Kademlia
import TestKit
import Testing
import Wire

@Suite("Kademlia's vectors") struct KademliaVectorTests {
    struct Vectors: Decodable {
        struct Key: Decodable { let key: String, position: String }
        struct Prefix: Decodable { let first: String, second: String, length: Int }
        struct Message: Decodable {
            let name: String, bytes: String, type: String, key: String, isRequest: Bool
            let value: String?, closer: [String]?, providers: [String]?
        }
        struct Refused: Decodable { let name: String, bytes: String }
        let keys: [Key], commonPrefixes: [Prefix], messages: [Message], refusedRequests: [Refused]
    }

    let vectors: Vectors

    init() throws { self.vectors = try Repository.vectors("Specs/vectors/kademlia.json", as: Vectors.self) }

    private func bytes(_ text: String) throws -> [UInt8] { try #require([UInt8](hexadecimal: text)) }

    @Test("give the positions of keys") func positions() throws {
        for vector in self.vectors.keys {
            let key = KademliaKey(hashing: try self.bytes(vector.key))
            #expect(key.bytes.hexadecimal == vector.position)
            #expect(KademliaKey(digest: try self.bytes(vector.position)) == key)
        }
        #expect(KademliaKey(digest: [1, 2, 3]) == nil)
    }

    @Test("give common prefixes") func commonPrefixes() throws {
        for vector in self.vectors.commonPrefixes {
            let first = try #require(KademliaKey(digest: self.bytes(vector.first)))
            let second = try #require(KademliaKey(digest: self.bytes(vector.second)))
            #expect(first.commonPrefixLength(with: second) == vector.length)
            #expect(second.commonPrefixLength(with: first) == vector.length)
        }
    }

    @Test("give the meaning of messages") func messages() throws {
        for vector in self.vectors.messages {
            let bytes = try self.bytes(vector.bytes)
            let key = try self.bytes(vector.key)
            if vector.isRequest {
                let request = try KademliaRequest(message: bytes)
                #expect("\(request.kind)" == vector.type, "\(vector.name)")
                #expect(request.key == key, "\(vector.name)")
                if case .putValue(let record) = request { #expect(record.value.hexadecimal == vector.value) }
                if case .addProvider(_, let providers) = request {
                    #expect(providers.map(\.id.bytes.hexadecimal) == vector.providers)
                }
                #expect(try KademliaRequest(message: request.message) == request, "\(vector.name)")
            } else {
                let answer = try KademliaAnswer(message: bytes)
                #expect("\(answer.kind)" == vector.type, "\(vector.name)")
                #expect(answer.key == key, "\(vector.name)")
                #expect(answer.closerPeers.map(\.id.bytes.hexadecimal) == vector.closer ?? [], "\(vector.name)")
                #expect(answer.providers.map(\.id.bytes.hexadecimal) == vector.providers ?? [], "\(vector.name)")
                #expect(
                    (answer.closerPeers + answer.providers).allSatisfy { $0.addresses.count == 1 }, "\(vector.name)")
                #expect(answer.record?.value.hexadecimal == vector.value, "\(vector.name)")
                #expect(try KademliaAnswer(message: answer.message) == answer, "\(vector.name)")
            }
        }
    }

    @Test("refuse what is no request") func refusals() throws {
        for vector in self.vectors.refusedRequests {
            let bytes = try self.bytes(vector.bytes)
            #expect(throws: KademliaMessageError.self, "\(vector.name)") { try KademliaRequest(message: bytes) }
        }
    }

    @Test("write FIND_NODE as go does") func findNodeBytes() throws {
        let peer = try self.bytes(self.vectors.keys[0].key)
        #expect(KademliaRequest.findNode(key: peer).message == [0x08, 0x04, 0x12, 0x26] + peer)
    }
}
