import Identity
import Kademlia
import TestKit
import Testing
import Wire

@Suite("A message of the table") struct KademliaMessageTests {
    private func longContact(_ random: inout SplitMix64) -> PeerContact {
        let name = String(repeating: "a", count: 60)
        let addresses = (0..<8).compactMap { try? Multiaddr("/dns4/\(name)\($0).example/tcp/4001") }
        return PeerContact(id: testPeer(&random), addresses: addresses)
    }

    @Test("is never written longer than its limit, and keeps room for the closest peers") func staysBelowLimit() throws
    {
        var random = SplitMix64(seed: 1)
        let closer = (0..<20).map { _ in self.longContact(&random) }
        let providers = (0..<512).map { _ in self.longContact(&random) }
        let record = ValueRecord(
            key: testKey("long"), value: random.bytes(KademliaLimits.maximumValueByteCount))
        for record in [nil, record] {
            let answer = KademliaAnswer(
                kind: .getProviders, key: [1], record: record, closerPeers: closer, providers: providers)
            let bytes = answer.message
            #expect(bytes.count <= KademliaLimits.maximumAnswerByteCount)
            #expect(bytes.count > KademliaLimits.maximumAnswerByteCount - 1_000)
            let read = try KademliaAnswer(message: bytes)
            #expect(read.record == record)
            #expect(read.closerPeers.count >= 5)
            #expect(read.closerPeers == Array(closer.prefix(read.closerPeers.count)))
            #expect(read.providers == Array(providers.prefix(read.providers.count)))
        }
    }

    @Test("writes further closer peers when the providers leave room") func usesAllRoom() throws {
        var random = SplitMix64(seed: 2)
        let closer = (0..<20).map { _ in self.longContact(&random) }
        let answer = KademliaAnswer(kind: .findNode, closerPeers: closer)
        #expect(try KademliaAnswer(message: answer.message).closerPeers == closer)
    }

    @Test("is read up to 65,536 bytes and not beyond") func sizeLimit() throws {
        let limit = KademliaLimits.maximumMessageByteCount
        func padded(to count: Int) -> [UInt8] {
            // An unknown field: tag 0x7a (field 15), a length of three bytes.
            let start: [UInt8] = [0x08, 0x05, 0x7a]
            let rest = count - start.count - 3
            return start + Varint.encode(UInt64(rest)) + [UInt8](repeating: 0, count: rest)
        }
        #expect(padded(to: limit).count == limit)
        #expect(try KademliaRequest(message: padded(to: limit)) == .ping)
        #expect(throws: KademliaMessageError.tooLong(byteCount: limit + 1)) {
            try KademliaRequest(message: padded(to: limit + 1))
        }
    }

    @Test("keeps eight addresses of a peer, each at most 256 bytes") func addressLimits() throws {
        var random = SplitMix64(seed: 3)
        let id = testPeer(&random)
        let many = (0..<1_000).map(testAddress)
        #expect(PeerContact(id: id, addresses: many).addresses == Array(many.prefix(8)))
        #expect(PeerContact(id: id, addresses: [many[0], many[0], many[1]]).addresses == [many[0], many[1]])
        // /unix/ and a path: two bytes of code, two of length.
        let fitting = try Multiaddr("/unix/" + String(repeating: "p", count: 251))
        let long = try Multiaddr("/unix/" + String(repeating: "p", count: 253))
        #expect(fitting.bytes.count <= 256 && long.bytes.count > 256)
        #expect(PeerContact(id: id, addresses: [long, fitting]).addresses == [fitting])
    }

    @Test("never traps and never breaks a limit, whatever the bytes", arguments: 0..<4 as Range<UInt64>)
    func mutation(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let contacts = (0..<20).map { testContact($0, &random) }
        let record = ValueRecord(key: testKey("m"), value: random.bytes(40))
        let originals = [
            KademliaAnswer(kind: .findNode, closerPeers: contacts).message,
            KademliaAnswer(kind: .getValue, key: record.key, record: record, closerPeers: contacts).message,
            KademliaRequest.addProvider(key: [1, 2], providers: Array(contacts.prefix(2))).message,
            KademliaRequest.putValue(record).message, KademliaRequest.ping.message,
        ]
        for _ in 0..<2_000 {
            var bytes = originals[Int.random(in: originals.indices, using: &random)]
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
                case 1: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
                case 2: bytes.insert(0xff, at: Int.random(in: bytes.indices, using: &random))
                default: bytes += random.bytes(3)
                }
            }
            if let answer = try? KademliaAnswer(message: bytes) {
                #expect(answer.message.count <= KademliaLimits.maximumAnswerByteCount, "seed \(seed)")
                #expect(try KademliaAnswer(message: answer.message).kind == answer.kind, "seed \(seed)")
            }
            if let request = try? KademliaRequest(message: bytes) {
                #expect(request.key.count <= KademliaLimits.maximumKeyByteCount, "seed \(seed)")
                #expect(try KademliaRequest(message: request.message) == request, "seed \(seed)")
            }
        }
    }

    @Test("is the answer only to its own request") func matching() {
        let record = ValueRecord(key: [1], value: [2])
        #expect(KademliaAnswer(kind: .getValue, key: [1], record: record).answers(.getValue(key: [1])))
        #expect(KademliaAnswer(kind: .findNode).answers(.findNode(key: [1])))
        #expect(!KademliaAnswer(kind: .findNode).answers(.getValue(key: [1])))
        #expect(!KademliaAnswer(kind: .findNode, key: [2]).answers(.findNode(key: [1])))
        #expect(!KademliaAnswer(kind: .getValue, record: record).answers(.getValue(key: [2])))
    }
}
