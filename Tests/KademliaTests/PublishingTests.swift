import Identity
import Kademlia
import TestKit
import Testing
import Wire

@Suite("A node that publishes") struct PublishingTests {
    @Test("publishes again when peers are found, when they become more, and after 22 hours") func republishes() throws {
        let key = testKey("mine")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        var network = try SimulatedNetwork(memberCount: 2, seed: 8)
        network.finish([network.start(.putValue(record), at: 1)])
        #expect(try network.members[0].node.localValue(forKey: key, at: Moment(network.now)) == nil)
        network.bootstrap(settlingMilliseconds: 5_000)
        #expect(try network.members[0].node.localValue(forKey: key, at: Moment(network.now)) == record)
        let third = try network.addMember()
        network.connect(third, 0)
        network.run(untilMilliseconds: network.now + 1_300_000)
        #expect(try network.members[third].node.localValue(forKey: key, at: Moment(network.now)) == record)
        // Far beyond the life of one publication.
        network.run(untilMilliseconds: network.now + 3 * KademliaParameters().valueLifetimeMilliseconds)
        #expect(try network.members[0].node.localValue(forKey: key, at: Moment(network.now)) == record)
        network.feed(1, .withdrawn(key: key))
        network.run(untilMilliseconds: network.now + KademliaParameters().valueLifetimeMilliseconds)
        #expect(try network.members[0].node.localValue(forKey: key, at: Moment(network.now)) == nil)
    }

    @Test("publishes what its stores hold as its own after a restart") func republishesAfterRestart() throws {
        var random = SplitMix64(seed: 9)
        let key = testKey("kept")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        var store = MemoryRecordStore()
        try store.store(
            StoredValue(
                record: record, receivedAtUnixMilliseconds: 0, expiresAtUnixMilliseconds: 1, isOwn: true))
        var node = try testNode(&random, records: store)
        let contacts = (0..<3).map { testContact($0, &random) }
        var open = contacts.flatMap { queries(node.step(.identified($0, isServer: true), at: Moment(1))) }
        var puts = 0
        for milliseconds in 2..<200 as Range<UInt64> {
            guard let next = open.first else {
                open = queries(node.step(.tick, at: Moment(milliseconds)))
                continue
            }
            open.removeFirst()
            let answer: KademliaAnswer
            if case .putValue(let put) = next.request {
                #expect(put == record)
                puts += 1
                answer = KademliaAnswer(kind: .putValue, key: put.key, record: put)
            } else {
                answer = KademliaAnswer(kind: next.request.kind)
            }
            open += queries(node.step(.answered(next.id, answer), at: Moment(milliseconds)))
        }
        #expect(puts == 3)
    }

    @Test("gives the best record to those of the closest that lacked it") func correctsEntries() throws {
        var random = SplitMix64(seed: 10)
        var node = try testNode(&random)
        let contacts = (0..<4).map { testContact($0, &random) }
        admit(contacts, to: &node)
        let key = testKey("corrected")
        func record(_ sequence: UInt64) -> ValueRecord {
            ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: sequence))
        }
        let held = [record(2), record(1), nil, ValueRecord(key: key, value: [0])]
        let (_, effects) = node.start(.getValue(key: key, quorum: 0), at: Moment(20))
        var last: [KademliaEffect] = []
        for query in queries(effects) {
            let index = try #require(contacts.firstIndex(of: query.contact))
            last = node.step(
                .answered(query.id, KademliaAnswer(kind: .getValue, key: key, record: held[index])), at: Moment(21))
        }
        #expect(result(last) == .value(record(2), holders: 1))
        let corrected = queries(last)
        #expect(Set(corrected.map(\.contact)) == Set(contacts.dropFirst()))
        #expect(corrected.allSatisfy { $0.request == .putValue(record(2)) })
    }

    @Test("counts a put only when the record comes back") func putEcho() throws {
        var random = SplitMix64(seed: 13)
        var node = try testNode(&random)
        let contacts = (0..<3).map { testContact($0, &random) }
        admit(contacts, to: &node)
        let key = testKey("echo")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        let lookups = queries(node.start(.putValue(record), at: Moment(5)).1)
        var puts: [(id: QueryID, contact: PeerContact, request: KademliaRequest)] = []
        for query in lookups {
            puts += queries(node.step(.answered(query.id, KademliaAnswer(kind: .findNode)), at: Moment(6)))
        }
        try #require(puts.count == 3)
        let other = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 9))
        let answers = [
            KademliaAnswer(kind: .putValue, key: key, record: record), KademliaAnswer(kind: .putValue, key: key),
            KademliaAnswer(kind: .putValue, key: key, record: other),
        ]
        var last: [KademliaEffect] = []
        for (put, answer) in zip(puts, answers) { last = node.step(.answered(put.id, answer), at: Moment(7)) }
        #expect(result(last) == .stored(by: [puts[0].contact.id]))
    }

    @Test("does not hold a refused put against the peer") func refusedPut() throws {
        var random = SplitMix64(seed: 14)
        var node = try testNode(&random)
        let contact = testContact(1, &random)
        admit([contact], to: &node)
        let key = testKey("refused")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        let lookup = try #require(queries(node.start(.putValue(record), at: Moment(5)).1).first)
        let put = try #require(
            queries(node.step(.answered(lookup.id, KademliaAnswer(kind: .findNode)), at: Moment(6))).first)
        #expect(result(node.step(.failed(put.id, .refused), at: Moment(7))) == .stored(by: []))
        #expect(node.table.entry(of: contact.id)?.isHealthy == true)
    }
}
