import Identity
import Kademlia
import TestKit
import Testing
import Wire

@Suite("The limits of the table") struct KademliaLimitTests {
    /// A protobuf field of bytes.
    private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        var field = [number << 3 | 2]
        field.appendLengthPrefixed(bytes)
        return field
    }

    @Test("512 entries of a list are read, and 16 of an announcement") func entriesRead() throws {
        var random = SplitMix64(seed: 1)
        var answer: [UInt8] = [0x08, 0x04]
        var announcement: [UInt8] = [0x08, 0x02, 0x12, 0x01, 0x61]
        for _ in 0..<513 {
            let entry = self.field(1, testPeer(&random).bytes)
            answer += self.field(8, entry)
            announcement += self.field(9, entry)
        }
        #expect(try KademliaAnswer(message: answer).closerPeers.count == KademliaAnswer.maximumPeersRead)
        guard case .addProvider(_, let providers) = try KademliaRequest(message: announcement) else {
            Issue.record("not an announcement")
            return
        }
        #expect(providers.count == KademliaRequest.maximumProvidersRead)
    }

    @Test("64 addresses of an entry are looked at") func addressesRead() throws {
        var random = SplitMix64(seed: 2)
        let id = testPeer(&random)
        func addresses(behind count: Int) throws -> [Multiaddr] {
            let malformed = (0..<count).flatMap { _ in self.field(2, [0xff]) }
            let entry = self.field(1, id.bytes) + malformed + self.field(2, testAddress(1).bytes)
            return try KademliaAnswer(message: [0x08, 0x04] + self.field(8, entry)).closerPeers[0].addresses
        }
        #expect(try addresses(behind: KademliaLimits.maximumAddressesRead - 1) == [testAddress(1)])
        #expect(try addresses(behind: KademliaLimits.maximumAddressesRead).isEmpty)
    }

    @Test("a lookup knows 1,024 peers; closer ones displace the farthest") func knownPeers() {
        var random = SplitMix64(seed: 3)
        let target = KademliaKey(hashing: [3])
        let all = (0..<1_100).map { testContact($0, &random) }
            .sorted { KademliaKey($0.id).distance(to: target) > KademliaKey($1.id).distance(to: target) }
        let lookup = Lookup(
            target: target, own: testPeer(&random), seeds: all, parameters: KademliaParameters())
        let known = all.filter { lookup.contact(of: $0.id) != nil }
        #expect(known == Array(all.suffix(KademliaLimits.maximumKnownPeersPerLookup)))
        let reversed = Lookup(
            target: target, own: testPeer(&random), seeds: all.reversed(), parameters: KademliaParameters())
        #expect(all.filter { reversed.contact(of: $0.id) != nil } == known)
    }

    @Test("a node publishes 4,096 records of its own") func ownRecords() throws {
        var random = SplitMix64(seed: 4)
        var node = try KademliaNode(own: testPeer(&random), validators: .test, seed: [], at: Moment(0))
        func provide(_ number: Int) -> OperationResult? {
            let key = [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
            let (_, effects) = node.start(.provide(key: key), at: Moment(1))
            return effects.lazy.compactMap { if case .finished(_, let result, _) = $0 { result } else { nil } }.first
        }
        for number in 0..<KademliaLimits.maximumOwnRecords { #expect(provide(number) == .stored(by: [])) }
        #expect(provide(KademliaLimits.maximumOwnRecords) == .refused(.tooManyOwnRecords))
        #expect(provide(5) == .stored(by: []))
        _ = node.step(.stoppedProviding(key: [7, 0]), at: Moment(2))
        #expect(provide(KademliaLimits.maximumOwnRecords) == .stored(by: []))
    }

    @Test("eight publications and three refreshes run at once") func concurrency() throws {
        var random = SplitMix64(seed: 5)
        var store = MemoryRecordStore()
        for number in 0..<20 {
            let key = testKey("own \(number)")
            let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
            try store.store(
                StoredValue(record: record, receivedAtUnixMilliseconds: 0, expiresAtUnixMilliseconds: 1, isOwn: true))
        }
        var node = try KademliaNode(
            own: testPeer(&random), validators: .test, records: store, seed: random.bytes(32), at: Moment(0))
        let contacts = (0..<40).map { testContact($0, &random) }
        var open = contacts.flatMap { node.step(.identified($0, isServer: true), at: Moment(1)) }
        var most = 0
        for milliseconds in 2..<20_000 as Range<UInt64> {
            most = max(most, node.load.operations)
            guard case .query(let id, let contact, let request)? = open.first else {
                if !open.isEmpty {
                    open.removeFirst()
                } else if node.nextDeadline <= milliseconds {
                    open = node.step(.tick, at: Moment(milliseconds))
                }
                continue
            }
            open.removeFirst()
            var answer = KademliaAnswer(kind: request.kind, closerPeers: contacts.filter { $0 != contact })
            if case .putValue(let record) = request { answer = KademliaAnswer(kind: .putValue, record: record) }
            open += node.step(.answered(id, answer), at: Moment(milliseconds))
        }
        let limit = KademliaLimits.maximumConcurrentRepublications + KademliaLimits.maximumConcurrentRefreshes
        #expect(most > KademliaLimits.maximumConcurrentRefreshes && most <= limit)
        #expect(node.load == (0, 0))
    }
}
