import Identity
import Kademlia
import TestKit
import Testing
import Wire

@Suite("A server of the table") struct KademliaServerTests {
    /// A node that knows some peers, and one that asks.
    struct Fixture {
        var node: KademliaNode
        let peers: [PeerContact]
        let asker: PeerContact
        let own: PeerContact

        init(peerCount: Int = 30, mode: KademliaMode = .server, parameters: KademliaParameters = .init()) throws {
            var random = SplitMix64(seed: 99)
            self.own = testContact(0, &random)
            self.asker = testContact(1, &random)
            self.node = try KademliaNode(
                own: self.own.id, mode: mode, parameters: parameters, validators: .test, seed: [], at: Moment(0))
            self.peers = (0..<peerCount).map { testContact(10 + $0, &random) }
            _ = self.node.step(.announces(self.own.addresses), at: Moment(0))
            for peer in self.peers + [self.asker] { self.admit(peer) }
        }

        /// Has a peer identified and answers its check.
        mutating func admit(_ contact: PeerContact) {
            let others = self.peers.filter { $0 != contact }
            for effect in self.node.step(.identified(contact, isServer: true), at: Moment(1)) {
                guard case .query(let id, contact, _) = effect else { continue }
                _ = self.node.step(
                    .answered(id, KademliaAnswer(kind: .findNode, closerPeers: others)), at: Moment(2))
            }
        }

        mutating func ask(_ request: KademliaRequest, at milliseconds: UInt64 = 10) -> Reply {
            self.node.respond(to: request, from: self.asker.id, at: Moment(milliseconds)).0
        }
    }

    private func record(_ name: String, _ sequence: UInt64, variant: UInt8 = 0) -> ValueRecord {
        let key = testKey(name)
        return ValueRecord(key: key, value: SequenceValidator.value(key: key, sequence: sequence, variant: variant))
    }

    @Test("names the closest peers, without the asker") func closestPeers() throws {
        var fixture = try Fixture()
        guard case .answer(let answer) = fixture.ask(.findNode(key: [7])) else {
            Issue.record("no answer")
            return
        }
        let target = KademliaKey(hashing: [7])
        let known = fixture.node.table.snapshot.filter { $0.id != fixture.asker.id }
            .sorted { KademliaKey($0.id).distance(to: target) < KademliaKey($1.id).distance(to: target) }
        #expect(answer.closerPeers == Array(known.prefix(20)))
        #expect(fixture.node.table.count == 31)
    }

    @Test("names itself when it is asked for itself") func ownID() throws {
        var fixture = try Fixture()
        guard case .answer(let answer) = fixture.ask(.findNode(key: fixture.own.id.bytes)) else {
            Issue.record("no answer")
            return
        }
        #expect(answer.closerPeers.first == fixture.own)
        #expect(answer.closerPeers.count == 21)
    }

    @Test("names a client that is asked for, but not among the closest") func clients() throws {
        var fixture = try Fixture()
        var random = SplitMix64(seed: 5)
        let client = testContact(500, &random)
        _ = fixture.node.step(.identified(client, isServer: false), at: Moment(5))
        guard case .answer(let answer) = fixture.ask(.findNode(key: client.id.bytes)) else {
            Issue.record("no answer")
            return
        }
        #expect(answer.closerPeers.first == client)
        #expect(fixture.node.table.entry(of: client.id) == nil)
    }

    @Test("does not name peers whose last query failed") func failing() throws {
        var fixture = try Fixture(peerCount: 5)
        let failed = fixture.peers[2]
        let (_, effects) = fixture.node.start(.closestPeers(key: [1]), at: Moment(10))
        for case .query(let id, let contact, _) in effects where contact == failed {
            _ = fixture.node.step(.failed(id, .timedOut), at: Moment(11))
        }
        guard case .answer(let answer) = fixture.ask(.findNode(key: [1]), at: 12) else {
            Issue.record("no answer")
            return
        }
        #expect(answer.closerPeers.count == 4)
        #expect(!answer.closerPeers.contains(failed))
    }

    @Test("stores a value, answers with the request and gives it back") func values() throws {
        var fixture = try Fixture()
        let record = self.record("a", 1)
        let echo = KademliaAnswer(kind: .putValue, key: record.key, record: record)
        #expect(fixture.ask(.putValue(record)) == .answer(echo))
        guard case .answer(let answer) = fixture.ask(.getValue(key: record.key)) else {
            Issue.record("no answer")
            return
        }
        #expect(answer.record == record)
        #expect(answer.closerPeers.count == 20)
        #expect(fixture.ask(.ping) == .answer(KademliaAnswer(kind: .ping)))
    }

    @Test("refuses records that are not valid, unknown, too long or older") func refusesRecords() throws {
        var fixture = try Fixture()
        let key = testKey("b")
        func refusal(_ record: ValueRecord) -> ValueRefusal? {
            if case .refuse(.record(let refusal)) = fixture.ask(.putValue(record)) { refusal } else { nil }
        }
        #expect(refusal(ValueRecord(key: key, value: [1])) == .invalid("not a value of this key"))
        #expect(refusal(ValueRecord(key: Array("/none/a".utf8), value: [1])) == .unknownNamespace("none"))
        for malformed in ["", "/", "//", "//a", "/test", "/test/", "test/a"] {
            #expect(refusal(ValueRecord(key: Array(malformed.utf8), value: [1])) == .malformedKey, "\(malformed)")
        }
        #expect(refusal(ValueRecord(key: [0x2f, 0xff, 0x2f, 0x41], value: [1])) == .malformedKey)
        let long = [UInt8](repeating: 0, count: KademliaLimits.maximumValueByteCount + 1)
        #expect(refusal(ValueRecord(key: key, value: long)) == .tooLong(byteCount: long.count))
        #expect(refusal(ValueRecord(key: key, value: Array(long.dropLast()))) == .invalid("not a value of this key"))
        #expect(refusal(self.record("b", SequenceValidator.expiredSequence)) == .expired)
        #expect(refusal(self.record("b", 5)) == nil)
        #expect(refusal(self.record("b", 4)) == .outdated)
        #expect(refusal(self.record("b", 5)) == nil)
        #expect(refusal(self.record("b", 6)) == nil)
    }

    @Test("keeps the larger of two records that conflict, in either order, and reports it") func conflicts() throws {
        for order in [[1, 2], [2, 1]] as [[UInt8]] {
            var fixture = try Fixture(peerCount: 0)
            var conflicts = 0
            for variant in order {
                let (_, effects) = fixture.node.respond(
                    to: .putValue(self.record("c", 1, variant: variant)), from: fixture.asker.id, at: Moment(5))
                conflicts += effects.count { if case .conflict = $0 { true } else { false } }
            }
            #expect(conflicts == 1)
            #expect(try fixture.node.localValue(forKey: testKey("c"), at: Moment(6)) == self.record("c", 1, variant: 2))
        }
    }

    @Test("lets values expire after 48 hours, and renews one that is put again") func valueExpiry() throws {
        let lifetime = KademliaParameters().valueLifetimeMilliseconds
        var fixture = try Fixture(peerCount: 0)
        let record = self.record("d", 1)
        _ = fixture.ask(.putValue(record), at: 100)
        #expect(try fixture.node.localValue(forKey: record.key, at: Moment(99 + lifetime)) == record)
        #expect(try fixture.node.localValue(forKey: record.key, at: Moment(100 + lifetime)) == nil)
        _ = fixture.ask(.putValue(record), at: 200)
        #expect(try fixture.node.localValue(forKey: record.key, at: Moment(199 + lifetime)) == record)
    }

    @Test("stores only the sender as a provider, with an address") func foreignProviders() throws {
        var fixture = try Fixture()
        let key: [UInt8] = [1, 2, 3]
        let foreign = fixture.peers[0]
        #expect(fixture.ask(.addProvider(key: key, providers: [])) == .refuse(.foreignProvider))
        #expect(fixture.ask(.addProvider(key: key, providers: [foreign])) == .refuse(.foreignProvider))
        let addressless = PeerContact(id: fixture.asker.id)
        #expect(fixture.ask(.addProvider(key: key, providers: [addressless])) == .refuse(.foreignProvider))
        #expect(try fixture.node.localProviders(forKey: key, at: Moment(11)).isEmpty)
        #expect(fixture.ask(.addProvider(key: key, providers: [foreign, fixture.asker])) == .silence)
        #expect(try fixture.node.localProviders(forKey: key, at: Moment(11)) == [fixture.asker])
        guard case .answer(let answer) = fixture.ask(.getProviders(key: key)) else {
            Issue.record("no answer")
            return
        }
        #expect(answer.providers == [fixture.asker])
        #expect(answer.closerPeers.count == 20)
    }

    @Test("forgets a provider's addresses after 24 hours and the provider after 48") func providerExpiry() throws {
        var parameters = KademliaParameters()
        parameters.bookedContactLifetimeMilliseconds = 1_000
        var random = SplitMix64(seed: 12)
        let own = testPeer(&random)
        let provider = testContact(4, &random)
        var node = try KademliaNode(own: own, parameters: parameters, validators: .test, seed: [], at: Moment(0))
        let announcement = KademliaRequest.addProvider(key: [9], providers: [provider])
        #expect(node.respond(to: announcement, from: provider.id, at: Moment(0)).0 == .silence)
        func found(_ milliseconds: UInt64) throws -> [PeerContact] {
            try node.localProviders(forKey: [9], at: Moment(milliseconds))
        }
        #expect(try found(parameters.providerAddressLifetimeMilliseconds - 1) == [provider])
        #expect(try found(parameters.providerAddressLifetimeMilliseconds) == [PeerContact(id: provider.id)])
        #expect(try found(parameters.providerLifetimeMilliseconds - 1).count == 1)
        #expect(try found(parameters.providerLifetimeMilliseconds).isEmpty)
    }

    @Test("says nothing as a client") func clientMode() throws {
        var fixture = try Fixture(mode: .client)
        #expect(fixture.ask(.ping) == .refuse(.notServing))
        #expect(fixture.ask(.findNode(key: [1])) == .refuse(.notServing))
    }

    @Test("turns the window of many providers by who asks") func providerWindow() throws {
        var random = SplitMix64(seed: 31)
        var fixture = try Fixture(peerCount: 0)
        let providers = (0..<100).map { testContact($0, &random) }
        for provider in providers {
            let announcement = KademliaRequest.addProvider(key: [8], providers: [provider])
            #expect(fixture.node.respond(to: announcement, from: provider.id, at: Moment(5)).0 == .silence)
        }
        var firsts: Set<PeerID> = []
        for _ in 0..<50 {
            let (reply, _) = fixture.node.respond(to: .getProviders(key: [8]), from: testPeer(&random), at: Moment(6))
            guard case .answer(let answer) = reply, let first = answer.providers.first else { continue }
            #expect(Set(answer.providers) == Set(providers))
            firsts.insert(first.id)
        }
        #expect(firsts.count > 20)
    }
}
