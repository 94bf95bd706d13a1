import Identity
import Kademlia
import TestKit
import Testing
import Wire

@Suite("A node of the table") struct KademliaNodeTests {
    private func queries(_ effects: [KademliaEffect]) -> [(id: QueryID, contact: PeerContact, request: KademliaRequest)]
    {
        effects.compactMap {
            if case .query(let id, let contact, let request) = $0 { (id, contact, request) } else { nil }
        }
    }

    private func result(_ effects: [KademliaEffect]) -> OperationResult? {
        effects.lazy.compactMap { if case .finished(_, let result, _) = $0 { result } else { nil } }.first
    }

    private func node(
        _ random: inout SplitMix64, records: any RecordStore = MemoryRecordStore(),
        parameters: KademliaParameters = KademliaParameters()
    ) throws -> KademliaNode {
        var node = try KademliaNode(
            own: testPeer(&random), parameters: parameters, validators: .test, records: records,
            seed: random.bytes(32), at: Moment(0))
        _ = node.step(.announces([testAddress(9_999)]), at: Moment(0))
        return node
    }

    /// Brings peers into the table and lets the refresh that follows end.
    private func admit(_ contacts: [PeerContact], to node: inout KademliaNode) {
        var open = contacts.flatMap { node.step(.identified($0, isServer: true), at: Moment(1)) }
        var rounds = 0
        while !open.isEmpty, rounds < 1_000 {
            rounds += 1
            let asked = self.queries(open)
            open = asked.flatMap { query in
                let answer = KademliaAnswer(
                    kind: query.request.kind, closerPeers: Array(contacts.filter { $0 != query.contact }.prefix(20)))
                return node.step(.answered(query.id, answer), at: Moment(2))
            }
            if open.isEmpty, node.nextDeadline <= 3 { open = node.step(.tick, at: Moment(3)) }
        }
    }

    @Test("takes in only peers that answered their check") func checks() throws {
        var random = SplitMix64(seed: 1)
        var node = try self.node(&random)
        let contacts = (0..<3).map { testContact($0, &random) }
        let effects = contacts.flatMap { node.step(.identified($0, isServer: true), at: Moment(1)) }
        let checks = self.queries(effects)
        #expect(checks.map(\.request) == contacts.map { .findNode(key: $0.id.bytes) })
        #expect(node.table.count == 0)
        _ = node.step(.answered(checks[0].id, KademliaAnswer(kind: .findNode)), at: Moment(2))
        _ = node.step(.answered(checks[1].id, KademliaAnswer(kind: .ping)), at: Moment(2))
        _ = node.step(.failed(checks[2].id, .unreachable), at: Moment(2))
        #expect(node.table.snapshot == [contacts[0]])
    }

    @Test("does not take in a peer that knows nobody, once it knows k itself") func uselessCandidate() throws {
        var random = SplitMix64(seed: 2)
        var node = try self.node(&random)
        self.admit((0..<24).map { testContact($0, &random) }, to: &node)
        #expect(node.table.count >= 20)
        let count = node.table.count
        let contact = testContact(100, &random)
        for query in self.queries(node.step(.identified(contact, isServer: true), at: Moment(5))) {
            let own = PeerContact(id: node.own, addresses: [testAddress(1)])
            _ = node.step(
                .answered(query.id, KademliaAnswer(kind: .findNode, closerPeers: [contact, own])), at: Moment(6))
        }
        #expect(node.table.count == count)
    }

    @Test("checks sixteen candidates at once and lets 256 wait") func candidateLimits() throws {
        var random = SplitMix64(seed: 3)
        var node = try self.node(&random)
        let effects = (0..<400).flatMap {
            node.step(.identified(testContact($0, &random), isServer: true), at: Moment(1))
        }
        #expect(self.queries(effects).count == KademliaLimits.maximumConcurrentChecks)
        var total = 16
        var open = self.queries(effects)
        while let next = open.first {
            open.removeFirst()
            let more = self.queries(node.step(.failed(next.id, .unreachable), at: Moment(2)))
            total += more.count
            open += more
        }
        #expect(total == KademliaLimits.maximumConcurrentChecks + KademliaLimits.maximumWaitingCandidates)
    }

    @Test("drops a peer that stops serving") func stopsServing() throws {
        var random = SplitMix64(seed: 4)
        var node = try self.node(&random)
        let contacts = (0..<4).map { testContact($0, &random) }
        self.admit(contacts, to: &node)
        #expect(node.table.count == 4)
        _ = node.step(.identified(contacts[1], isServer: false), at: Moment(5))
        #expect(node.table.count == 3)
        let (_, effects) = node.start(.closestPeers(key: [1]), at: Moment(6))
        let asked = try #require(self.queries(effects).first)
        _ = node.step(.failed(asked.id, .notServing), at: Moment(7))
        #expect(node.table.entry(of: asked.contact.id) == nil)
    }

    @Test("has an operation wait for the first peer while checks run") func waitsForFirstPeer() throws {
        var random = SplitMix64(seed: 5)
        var node = try self.node(&random)
        let contact = testContact(1, &random)
        let check = try #require(self.queries(node.step(.identified(contact, isServer: true), at: Moment(1))).first)
        let (_, waiting) = node.start(.closestPeers(key: [1]), at: Moment(2))
        #expect(waiting.isEmpty)
        let effects = node.step(.answered(check.id, KademliaAnswer(kind: .findNode)), at: Moment(3))
        #expect(self.queries(effects).contains { $0.request == .findNode(key: [1]) })
    }

    @Test("ends an operation at once when there is nobody to ask") func nobody() throws {
        var random = SplitMix64(seed: 6)
        var node = try self.node(&random)
        let key = testKey("alone")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        #expect(self.result(node.start(.closestPeers(key: [1]), at: Moment(1)).1) == .closestPeers([]))
        #expect(self.result(node.start(.getValue(key: key, quorum: 0), at: Moment(1)).1) == .value(nil, holders: 0))
        #expect(self.result(node.start(.putValue(record), at: Moment(1)).1) == .stored(by: []))
        #expect(self.result(node.start(.getValue(key: key, quorum: 0), at: Moment(1)).1) == .value(record, holders: 0))
        let peer = testPeer(&random)
        #expect(self.result(node.start(.findPeer(peer), at: Moment(1)).1) == .peer(nil, isReached: false))
        let own = PeerContact(id: node.own, addresses: [testAddress(9_999)])
        #expect(self.result(node.start(.findPeer(node.own), at: Moment(1)).1) == .peer(own, isReached: true))
        #expect(self.result(node.start(.provide(key: [1]), at: Moment(1)).1) == .stored(by: []))
        #expect(self.result(node.start(.findProviders(key: [1], count: 0), at: Moment(1)).1) == .providers([own]))
    }

    @Test("refuses keys and records that nobody would take") func refusals() throws {
        var random = SplitMix64(seed: 7)
        var node = try self.node(&random)
        let long = [UInt8](repeating: 1, count: 81)
        #expect(self.result(node.start(.provide(key: long), at: Moment(1)).1) == .refused(.keyLength(81)))
        #expect(self.result(node.start(.findProviders(key: [], count: 0), at: Moment(1)).1) == .refused(.keyLength(0)))
        let record = ValueRecord(key: testKey("x"), value: [1])
        let refusal = OperationRefusal.record(.invalid("not a value of this key"))
        #expect(self.result(node.start(.putValue(record), at: Moment(1)).1) == .refused(refusal))
    }

    @Test("publishes again when peers are found, when they become more, and after 22 hours") func republishes() throws {
        var random = SplitMix64(seed: 8)
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
        _ = random.next()
    }

    @Test("publishes what its stores hold as its own after a restart") func republishesAfterRestart() throws {
        var random = SplitMix64(seed: 9)
        let key = testKey("kept")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        var store = MemoryRecordStore()
        try store.store(
            StoredValue(
                record: record, receivedAtUnixMilliseconds: 0, expiresAtUnixMilliseconds: 1, isOwn: true))
        var node = try self.node(&random, records: store)
        let contacts = (0..<3).map { testContact($0, &random) }
        var open = contacts.flatMap { self.queries(node.step(.identified($0, isServer: true), at: Moment(1))) }
        var puts = 0
        for milliseconds in 2..<200 as Range<UInt64> {
            guard let next = open.first else {
                open = self.queries(node.step(.tick, at: Moment(milliseconds)))
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
            open += self.queries(node.step(.answered(next.id, answer), at: Moment(milliseconds)))
        }
        #expect(puts == 3)
    }

    @Test("gives the best record to those of the closest that lacked it") func correctsEntries() throws {
        var random = SplitMix64(seed: 10)
        var node = try self.node(&random)
        let contacts = (0..<4).map { testContact($0, &random) }
        self.admit(contacts, to: &node)
        let key = testKey("corrected")
        func record(_ sequence: UInt64) -> ValueRecord {
            ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: sequence))
        }
        let held = [record(2), record(1), nil, ValueRecord(key: key, value: [0])]
        let (_, effects) = node.start(.getValue(key: key, quorum: 0), at: Moment(20))
        var last: [KademliaEffect] = []
        for query in self.queries(effects) {
            let index = try #require(contacts.firstIndex(of: query.contact))
            last = node.step(
                .answered(query.id, KademliaAnswer(kind: .getValue, key: key, record: held[index])), at: Moment(21))
        }
        #expect(self.result(last) == .value(record(2), holders: 1))
        let corrected = self.queries(last)
        #expect(Set(corrected.map(\.contact)) == Set(contacts.dropFirst()))
        #expect(corrected.allSatisfy { $0.request == .putValue(record(2)) })
    }

    @Test("ends a read at its quorum and a search at its count") func endsEarly() throws {
        var random = SplitMix64(seed: 11)
        var node = try self.node(&random)
        let contacts = (0..<8).map { testContact($0, &random) }
        self.admit(contacts, to: &node)
        let key = testKey("q")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        let read = self.queries(node.start(.getValue(key: key, quorum: 2), at: Moment(20)).1)
        let answer = KademliaAnswer(kind: .getValue, key: key, record: record)
        #expect(self.result(node.step(.answered(read[0].id, answer), at: Moment(21))) == nil)
        #expect(self.result(node.step(.answered(read[1].id, answer), at: Moment(21))) == .value(record, holders: 2))
        let search = self.queries(node.start(.findProviders(key: [1], count: 2), at: Moment(30)).1)
        let providers = (0..<3).map { testContact(50 + $0, &random) }
        func named(_ contacts: [PeerContact]) -> KademliaAnswer {
            KademliaAnswer(kind: .getProviders, providers: contacts)
        }
        let first = named([providers[0], providers[0]])
        #expect(self.result(node.step(.answered(search[0].id, first), at: Moment(31))) == nil)
        let second = named([providers[0], providers[1]])
        #expect(
            self.result(node.step(.answered(search[1].id, second), at: Moment(31)))
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
            var node = try self.node(&random)
            let contact = testContact(1, &random)
            self.admit([contact], to: &node)
            let query = try #require(self.queries(node.start(.getValue(key: key, quorum: 0), at: Moment(5)).1).first)
            let effects = node.step(.answered(query.id, answer), at: Moment(6))
            #expect(self.result(effects) == .value(nil, holders: 0))
            #expect(node.table.entry(of: contact.id)?.isHealthy == false)
        }
    }

    @Test("counts a put only when the record comes back") func putEcho() throws {
        var random = SplitMix64(seed: 13)
        var node = try self.node(&random)
        let contacts = (0..<3).map { testContact($0, &random) }
        self.admit(contacts, to: &node)
        let key = testKey("echo")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        let lookups = self.queries(node.start(.putValue(record), at: Moment(5)).1)
        var puts: [(id: QueryID, contact: PeerContact, request: KademliaRequest)] = []
        for query in lookups {
            puts += self.queries(node.step(.answered(query.id, KademliaAnswer(kind: .findNode)), at: Moment(6)))
        }
        try #require(puts.count == 3)
        let other = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 9))
        let answers = [
            KademliaAnswer(kind: .putValue, key: key, record: record), KademliaAnswer(kind: .putValue, key: key),
            KademliaAnswer(kind: .putValue, key: key, record: other),
        ]
        var last: [KademliaEffect] = []
        for (put, answer) in zip(puts, answers) { last = node.step(.answered(put.id, answer), at: Moment(7)) }
        #expect(self.result(last) == .stored(by: [puts[0].contact.id]))
    }

    @Test("does not hold a refused put against the peer") func refusedPut() throws {
        var random = SplitMix64(seed: 14)
        var node = try self.node(&random)
        let contact = testContact(1, &random)
        self.admit([contact], to: &node)
        let key = testKey("refused")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        let lookup = try #require(self.queries(node.start(.putValue(record), at: Moment(5)).1).first)
        let put = try #require(
            self.queries(node.step(.answered(lookup.id, KademliaAnswer(kind: .findNode)), at: Moment(6))).first)
        #expect(self.result(node.step(.failed(put.id, .refused), at: Moment(7))) == .stored(by: []))
        #expect(node.table.entry(of: contact.id)?.isHealthy == true)
    }

    @Test("fails a query after ten seconds and has it abandoned") func timeouts() throws {
        var random = SplitMix64(seed: 15)
        var node = try self.node(&random)
        let contact = testContact(1, &random)
        self.admit([contact], to: &node)
        let query = try #require(self.queries(node.start(.closestPeers(key: [1]), at: Moment(100)).1).first)
        #expect(node.nextDeadline == 2_100)
        _ = node.step(.tick, at: Moment(2_100))
        #expect(node.nextDeadline == 10_100)
        let effects = node.step(.tick, at: Moment(10_100))
        #expect(effects.contains(.abandon(query.id)))
        #expect(self.result(effects) == .closestPeers([]))
        // What comes later changes nothing.
        #expect(node.step(.answered(query.id, KademliaAnswer(kind: .findNode)), at: Moment(10_200)).isEmpty)
    }

    @Test("has 1,024 operations and 512 queries under way, not more") func loadLimits() throws {
        var random = SplitMix64(seed: 16)
        var node = try self.node(&random)
        self.admit((0..<30).map { testContact($0, &random) }, to: &node)
        var begun: [OperationID] = []
        for number in 0..<1_024 {
            let key = [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
            let (id, effects) = node.start(.closestPeers(key: key), at: Moment(10))
            #expect(self.result(effects) == nil)
            begun.append(id)
        }
        #expect(node.load == (1_024, 512))
        #expect(self.result(node.start(.closestPeers(key: [1]), at: Moment(10)).1) == .refused(.tooManyOperations))
        for id in begun { _ = node.step(.cancelled(id), at: Moment(11)) }
        #expect(node.load.operations == 0)
    }

    @Test("asks for bootstrap addresses each minute while it knows fewer than ten peers") func seeks() throws {
        var random = SplitMix64(seed: 17)
        var node = try self.node(&random)
        #expect(node.nextDeadline == 0)
        #expect(node.step(.tick, at: Moment(0)).contains(.seekPeers))
        #expect(node.nextDeadline == 60_000)
        #expect(!node.step(.tick, at: Moment(59_999)).contains(.seekPeers))
        #expect(node.step(.tick, at: Moment(60_000)).contains(.seekPeers))
        self.admit((0..<12).map { testContact($0, &random) }, to: &node)
        #expect(!node.step(.tick, at: Moment(120_000)).contains(.seekPeers))
    }
}
