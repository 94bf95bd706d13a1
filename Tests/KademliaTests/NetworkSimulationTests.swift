import Identity
import Kademlia
import TestKit
import Testing
import Wire

@Suite("A simulated network") struct NetworkSimulationTests {
    /// Shares of right outcomes of a run, and what they cost.
    struct Outcome: CustomStringConvertible {
        var attempts = 0
        var right = 0
        var queries = 0
        var hops = 0
        var slowestMilliseconds: UInt64 = 0

        mutating func note(_ isRight: Bool, _ tally: Lookup.Tally, milliseconds: UInt64) {
            self.attempts += 1
            self.right += isRight ? 1 : 0
            self.queries += tally.asked
            self.hops += tally.hops
            self.slowestMilliseconds = max(self.slowestMilliseconds, milliseconds)
        }

        var share: Double { Double(self.right) / Double(max(1, self.attempts)) }

        var description: String {
            let count = Double(max(1, self.attempts))
            return "\(self.right)/\(self.attempts) right, \(Double(self.queries) / count) queries and "
                + "\(Double(self.hops) / count) hops each, slowest \(self.slowestMilliseconds) ms"
        }
    }

    /// Runs operations of the living honest members, eight at a time, and judges their results.
    func perform(
        _ count: Int, in network: inout SimulatedNetwork,
        _ operation: (inout SimulatedNetwork, Int) -> KademliaOperation,
        isRight: (SimulatedNetwork, Int, OperationResult) -> Bool
    ) -> Outcome {
        var outcome = Outcome()
        for batch in stride(from: 0, to: count, by: 8) {
            let begun = network.now
            let handles = (batch..<min(count, batch + 8)).map { number in
                let member = network.randomHonestMember()
                return (number, network.start(operation(&network, number), at: member))
            }
            network.finish(handles.map(\.1))
            for (number, handle) in handles {
                let ended = network.results[handle]
                let isRight = ended.map { isRight(network, number, $0.result) } ?? false
                outcome.note(isRight, ended?.tally ?? Lookup.Tally(), milliseconds: (ended?.at ?? network.now) - begun)
            }
        }
        return outcome
    }

    /// Finds peers, puts and gets values, provides and finds providers; every kind must be right in 99 of 100 cases.
    func exercise(_ network: inout SimulatedNetwork, seed: UInt64, operations: Int = 100) {
        var targets: [PeerID] = []
        let found = self.perform(
            operations, in: &network,
            { network, _ in
                targets.append(network.members[network.randomHonestMember()].contact.id)
                return .findPeer(targets[targets.count - 1])
            },
            isRight: { network, number, result in
                guard case .peer(let contact?, let isReached) = result else { return false }
                // A lost message may keep it from being spoken to; where it is must be known even so.
                return (isReached || network.conditions.lossOneIn > 0) && contact.id == targets[number]
                    && contact.addresses.contains { network.addressOwner($0) == contact.id }
            })
        // Everything is put twice, so that liars have something old to return.
        for sequence in 1...2 {
            let put = self.perform(
                operations, in: &network,
                { _, number in
                    let key = testKey("value \(number)")
                    return .putValue(
                        ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: UInt64(sequence))))
                },
                isRight: { _, _, result in if case .stored(let peers) = result { peers.count >= 3 } else { false } })
            #expect(put.share >= 0.99, "put \(put), replay with seed \(seed)")
        }
        let got = self.perform(
            operations, in: &network, { _, number in .getValue(key: testKey("value \(number)"), quorum: 0) },
            isRight: { _, _, result in
                guard case .value(let record?, _) = result else { return false }
                return SequenceValidator.sequence(of: record.value) == 2
            })
        var providers: [PeerID] = []
        let provided = self.perform(
            operations, in: &network, { _, number in .provide(key: Array("content \(number)".utf8)) },
            isRight: { _, _, result in if case .stored(let peers) = result { peers.count >= 3 } else { false } })
        for number in 0..<operations {
            providers.append(contentsOf: network.providers(of: Array("content \(number)".utf8)))
        }
        let searched = self.perform(
            operations, in: &network, { _, number in .findProviders(key: Array("content \(number)".utf8), count: 0) },
            isRight: { network, number, result in
                guard case .providers(let contacts) = result else { return false }
                return contacts.contains { network.isProviding($0.id, Array("content \(number)".utf8)) }
            })
        for (name, outcome) in [
            ("find peer", found), ("get", got), ("provide", provided), ("find providers", searched),
        ] {
            print("  \(name): \(outcome)")
            #expect(outcome.share >= 0.99, "\(name) \(outcome), replay with seed \(seed)")
        }
        #expect(network.results.values.allSatisfy { $0.tally.asked <= KademliaLimits.maximumQueriesPerLookup })
    }

    @Test("of 50 nodes that all came through one finds everything", arguments: [1, 2, 3] as [UInt64])
    func findsEverything(seed: UInt64) throws {
        var conditions = SimulatedNetwork.Conditions()
        conditions.usesCodec = true
        var network = try SimulatedNetwork(memberCount: 50, seed: seed, conditions: conditions)
        network.bootstrap()
        #expect(network.members.allSatisfy { $0.node.table.count >= 20 }, "replay with seed \(seed)")
        self.exercise(&network, seed: seed, operations: 40)
    }

    @Test("of two nodes works") func twoNodes() throws {
        var network = try SimulatedNetwork(memberCount: 2, seed: 5)
        network.bootstrap(settlingMilliseconds: 2_000)
        let key = testKey("pair")
        let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
        let put = network.start(.putValue(record), at: 0)
        network.finish([put])
        let get = network.start(.getValue(key: key, quorum: 0), at: 1)
        network.finish([get])
        #expect(network.results[put]?.result == .stored(by: [network.members[1].contact.id]))
        #expect(network.results[get]?.result == .value(record, holders: 1))
    }

    @Test("loses one message in twenty and finds everything", arguments: [11, 12] as [UInt64])
    func toleratesLoss(seed: UInt64) throws {
        var network = try SimulatedNetwork(memberCount: 80, seed: seed)
        network.bootstrap()
        network.conditions.lossOneIn = 20
        self.exercise(&network, seed: seed)
    }

    @Test("of which a fifth is dead finds everything", arguments: [21, 22] as [UInt64])
    func toleratesTheDead(seed: UInt64) throws {
        var network = try SimulatedNetwork(memberCount: 100, seed: seed)
        network.bootstrap()
        network.kill(oneIn: 5)
        self.exercise(&network, seed: seed)
    }

    @Test("of 200 nodes, a fifth dead and a fifth lying, finds everything", arguments: [31, 32] as [UInt64])
    func toleratesLiars(seed: UInt64) throws {
        var network = try SimulatedNetwork(memberCount: 200, seed: seed)
        network.bootstrap()
        network.turn(oneIn: 5)
        network.kill(oneIn: 5)
        self.exercise(&network, seed: seed)
    }

    @Test("survives churn: a tenth leaves and comes anew, ten times over", arguments: [41, 42] as [UInt64])
    func toleratesChurn(seed: UInt64) throws {
        var network = try SimulatedNetwork(memberCount: 60, seed: seed)
        network.bootstrap()
        for _ in 0..<10 {
            network.kill(oneIn: 10)
            for _ in 0..<6 {
                let member = try network.addMember()
                network.connect(member, 0)
            }
            network.run(untilMilliseconds: network.now + 120_000)
        }
        self.exercise(&network, seed: seed)
    }

    @Test("takes the same course again from the same seed") func isDeterministic() throws {
        func run() throws -> (Int, UInt64, [Int]) {
            var conditions = SimulatedNetwork.Conditions()
            conditions.lossOneIn = 10
            var network = try SimulatedNetwork(memberCount: 30, seed: 77, conditions: conditions)
            network.bootstrap()
            let key = testKey("course")
            let record = ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: 1))
            network.finish([network.start(.putValue(record), at: 3)])
            return (network.messageCount, network.now, network.members.map(\.node.table.count))
        }
        let (first, second) = (try run(), try run())
        #expect(first == second)
    }
}

extension SimulatedNetwork {
    mutating func randomHonestMember() -> Int {
        while true {
            let index = Int.random(in: self.members.indices, using: &self.random)
            if self.members[index].isAlive, !self.members[index].isLiar { return index }
        }
    }

    /// Ends one member in `count`, but never the first.
    mutating func kill(oneIn count: UInt64) {
        for index in self.members.indices.dropFirst() where self.random.oneIn(count) {
            self.members[index].isAlive = false
        }
    }

    /// Makes a liar of one member in `count`.
    mutating func turn(oneIn count: UInt64) {
        for index in self.members.indices where self.random.oneIn(count) { self.members[index].isLiar = true }
    }

    func addressOwner(_ address: Multiaddr) -> PeerID? {
        self.members.first { $0.contact.addresses.contains(address) }?.contact.id
    }

    func isProviding(_ id: PeerID, _ key: [UInt8]) -> Bool { self.providers(of: key).contains(id) }

    /// Who really provides a key.
    func providers(of key: [UInt8]) -> [PeerID] {
        self.members.filter { member in
            let local = try? member.node.localProviders(forKey: key, at: Moment(self.now))
            return local?.contains { $0.id == member.contact.id } ?? false
        }.map(\.contact.id)
    }
}
