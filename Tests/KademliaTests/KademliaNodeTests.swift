import Identity
import Kademlia
import TestKit
import Testing
import Wire

@Suite("A node of the table") struct KademliaNodeTests {
    @Test("takes in only peers that answered their check") func checks() throws {
        var random = SplitMix64(seed: 1)
        var node = try testNode(&random)
        let contacts = (0..<3).map { testContact($0, &random) }
        let effects = contacts.flatMap { node.step(.identified($0, isServer: true), at: Moment(1)) }
        let checks = queries(effects)
        #expect(checks.map(\.request) == contacts.map { .findNode(key: $0.id.bytes) })
        #expect(node.table.count == 0)
        _ = node.step(.answered(checks[0].id, KademliaAnswer(kind: .findNode)), at: Moment(2))
        _ = node.step(.answered(checks[1].id, KademliaAnswer(kind: .ping)), at: Moment(2))
        _ = node.step(.failed(checks[2].id, .unreachable), at: Moment(2))
        #expect(node.table.snapshot == [contacts[0]])
    }

    @Test("does not take in a peer that knows nobody, once it knows k itself") func uselessCandidate() throws {
        var random = SplitMix64(seed: 2)
        var node = try testNode(&random)
        admit((0..<24).map { testContact($0, &random) }, to: &node)
        #expect(node.table.count >= 20)
        let count = node.table.count
        let contact = testContact(100, &random)
        for query in queries(node.step(.identified(contact, isServer: true), at: Moment(5))) {
            let own = PeerContact(id: node.own, addresses: [testAddress(1)])
            _ = node.step(
                .answered(query.id, KademliaAnswer(kind: .findNode, closerPeers: [contact, own])), at: Moment(6))
        }
        #expect(node.table.count == count)
    }

    @Test("checks sixteen candidates at once and lets 256 wait") func candidateLimits() throws {
        var random = SplitMix64(seed: 3)
        var node = try testNode(&random)
        let effects = (0..<400).flatMap {
            node.step(.identified(testContact($0, &random), isServer: true), at: Moment(1))
        }
        #expect(queries(effects).count == KademliaLimits.maximumConcurrentChecks)
        var total = 16
        var open = queries(effects)
        while let next = open.first {
            open.removeFirst()
            let more = queries(node.step(.failed(next.id, .unreachable), at: Moment(2)))
            total += more.count
            open += more
        }
        #expect(total == KademliaLimits.maximumConcurrentChecks + KademliaLimits.maximumWaitingCandidates)
    }

    @Test("drops a peer that stops serving") func stopsServing() throws {
        var random = SplitMix64(seed: 4)
        var node = try testNode(&random)
        let contacts = (0..<4).map { testContact($0, &random) }
        admit(contacts, to: &node)
        #expect(node.table.count == 4)
        _ = node.step(.identified(contacts[1], isServer: false), at: Moment(5))
        #expect(node.table.count == 3)
        let (_, effects) = node.start(.closestPeers(key: [1]), at: Moment(6))
        let asked = try #require(queries(effects).first)
        _ = node.step(.failed(asked.id, .notServing), at: Moment(7))
        #expect(node.table.entry(of: asked.contact.id) == nil)
    }

    @Test("has an operation wait for the first peer while checks run") func waitsForFirstPeer() throws {
        var random = SplitMix64(seed: 5)
        var node = try testNode(&random)
        let contact = testContact(1, &random)
        let check = try #require(queries(node.step(.identified(contact, isServer: true), at: Moment(1))).first)
        let (_, waiting) = node.start(.closestPeers(key: [1]), at: Moment(2))
        #expect(waiting.isEmpty)
        let effects = node.step(.answered(check.id, KademliaAnswer(kind: .findNode)), at: Moment(3))
        #expect(queries(effects).contains { $0.request == .findNode(key: [1]) })
    }

    @Test("ends an operation at once when there is nobody to ask") func nobody() throws {
        var random = SplitMix64(seed: 6)
        var node = try testNode(&random)
        let key = testKey("alone")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        #expect(result(node.start(.closestPeers(key: [1]), at: Moment(1)).1) == .closestPeers([]))
        #expect(result(node.start(.getValue(key: key, quorum: 0), at: Moment(1)).1) == .value(nil, holders: 0))
        #expect(result(node.start(.putValue(record), at: Moment(1)).1) == .stored(by: []))
        #expect(result(node.start(.getValue(key: key, quorum: 0), at: Moment(1)).1) == .value(record, holders: 0))
        let peer = testPeer(&random)
        #expect(result(node.start(.findPeer(peer), at: Moment(1)).1) == .peer(nil, isReached: false))
        let own = PeerContact(id: node.own, addresses: [testAddress(9_999)])
        #expect(result(node.start(.findPeer(node.own), at: Moment(1)).1) == .peer(own, isReached: true))
        #expect(result(node.start(.provide(key: [1]), at: Moment(1)).1) == .stored(by: []))
        #expect(result(node.start(.findProviders(key: [1], count: 0), at: Moment(1)).1) == .providers([own]))
    }

    @Test("refuses keys and records that nobody would take") func refusals() throws {
        var random = SplitMix64(seed: 7)
        var node = try testNode(&random)
        let long = [UInt8](repeating: 1, count: 81)
        #expect(result(node.start(.provide(key: long), at: Moment(1)).1) == .refused(.keyLength(81)))
        #expect(result(node.start(.findProviders(key: [], count: 0), at: Moment(1)).1) == .refused(.keyLength(0)))
        let record = ValueRecord(key: testKey("x"), value: [1])
        let refusal = OperationRefusal.record(.invalid("not a value of this key"))
        #expect(result(node.start(.putValue(record), at: Moment(1)).1) == .refused(refusal))
    }

    @Test("ends a read at its quorum and a search at its count") func endsEarly() throws {
        var random = SplitMix64(seed: 11)
        var node = try testNode(&random)
        let contacts = (0..<8).map { testContact($0, &random) }
        admit(contacts, to: &node)
        let key = testKey("q")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        let read = queries(node.start(.getValue(key: key, quorum: 2), at: Moment(20)).1)
        let answer = KademliaAnswer(kind: .getValue, key: key, record: record)
        #expect(result(node.step(.answered(read[0].id, answer), at: Moment(21))) == nil)
        #expect(result(node.step(.answered(read[1].id, answer), at: Moment(21))) == .value(record, holders: 2))
        let search = queries(node.start(.findProviders(key: [1], count: 2), at: Moment(30)).1)
        let providers = (0..<3).map { testContact(50 + $0, &random) }
        func named(_ contacts: [PeerContact]) -> KademliaAnswer {
            KademliaAnswer(kind: .getProviders, providers: contacts)
        }
        let first = named([providers[0], providers[0]])
        #expect(result(node.step(.answered(search[0].id, first), at: Moment(31))) == nil)
        let second = named([providers[0], providers[1]])
        #expect(
            result(node.step(.answered(search[1].id, second), at: Moment(31)))
                == .providers([providers[0], providers[1]]))
    }

    @Test("takes an answer to another question as a failure") func brokenAnswers() throws {
        var random = SplitMix64(seed: 12)
        let key = testKey("asked")
        let other = ValueRecord(
            key: testKey("other"), value: SequenceValidator.value(key: testKey("other"), sequence: 1))
        let broken = [
            KademliaAnswer(kind: .ping), KademliaAnswer(kind: .findNode),
            KademliaAnswer(kind: .getValue, key: testKey("other")),
            KademliaAnswer(kind: .getValue, key: key, record: other),
            KademliaAnswer(kind: .getValue, record: other),
        ]
        for answer in broken {
            var node = try testNode(&random)
            let contact = testContact(1, &random)
            admit([contact], to: &node)
            let query = try #require(queries(node.start(.getValue(key: key, quorum: 0), at: Moment(5)).1).first)
            let effects = node.step(.answered(query.id, answer), at: Moment(6))
            #expect(result(effects) == .value(nil, holders: 0))
            #expect(node.table.entry(of: contact.id)?.isHealthy == false)
        }
    }

    @Test("fails a query after ten seconds and has it abandoned") func timeouts() throws {
        var random = SplitMix64(seed: 15)
        var node = try testNode(&random)
        let contact = testContact(1, &random)
        admit([contact], to: &node)
        let query = try #require(queries(node.start(.closestPeers(key: [1]), at: Moment(100)).1).first)
        #expect(node.nextDeadline == 2_100)
        _ = node.step(.tick, at: Moment(2_100))
        #expect(node.nextDeadline == 10_100)
        let effects = node.step(.tick, at: Moment(10_100))
        #expect(effects.contains(.abandon(query.id)))
        #expect(result(effects) == .closestPeers([]))
        // What comes later changes nothing.
        #expect(node.step(.answered(query.id, KademliaAnswer(kind: .findNode)), at: Moment(10_200)).isEmpty)
    }

    @Test("has 1,024 operations and 512 queries under way, not more") func loadLimits() throws {
        var random = SplitMix64(seed: 16)
        var node = try testNode(&random)
        admit((0..<30).map { testContact($0, &random) }, to: &node)
        var begun: [OperationID] = []
        for number in 0..<1_024 {
            let key = [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
            let (id, effects) = node.start(.closestPeers(key: key), at: Moment(10))
            #expect(result(effects) == nil)
            begun.append(id)
        }
        #expect(node.load == (1_024, 512))
        #expect(result(node.start(.closestPeers(key: [1]), at: Moment(10)).1) == .refused(.tooManyOperations))
        for id in begun { _ = node.step(.cancelled(id), at: Moment(11)) }
        #expect(node.load.operations == 0)
    }

    @Test("asks for bootstrap addresses each minute while it knows fewer than ten peers") func seeks() throws {
        var random = SplitMix64(seed: 17)
        var node = try testNode(&random)
        #expect(node.nextDeadline == 0)
        #expect(node.step(.tick, at: Moment(0)).contains(.seekPeers))
        #expect(node.nextDeadline == 60_000)
        #expect(!node.step(.tick, at: Moment(59_999)).contains(.seekPeers))
        #expect(node.step(.tick, at: Moment(60_000)).contains(.seekPeers))
        admit((0..<12).map { testContact($0, &random) }, to: &node)
        #expect(!node.step(.tick, at: Moment(120_000)).contains(.seekPeers))
    }
}
