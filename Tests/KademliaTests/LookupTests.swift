import Identity
import Kademlia
import TestKit
import Testing
import Wire

@Suite("A lookup") struct LookupTests {
    /// Contacts by distance to a target, closest first.
    private func contacts(_ count: Int, to target: KademliaKey, _ random: inout SplitMix64) -> [PeerContact] {
        (0..<count).map { testContact($0, &random) }
            .sorted { KademliaKey($0.id).distance(to: target) < KademliaKey($1.id).distance(to: target) }
    }

    private func lookup(
        _ seeds: [PeerContact], target: KademliaKey, own: PeerID, confirmsClosest: Bool = true
    ) -> Lookup {
        Lookup(
            target: target, own: own, seeds: seeds, parameters: KademliaParameters(), confirmsClosest: confirmsClosest)
    }

    @Test("asks the closest first, ten at once, and ends when the twenty closest answered") func asksAll() {
        var random = SplitMix64(seed: 1)
        let target = KademliaKey(hashing: [1])
        let all = self.contacts(60, to: target, &random)
        var lookup = self.lookup(Array(all.suffix(20)), target: target, own: testPeer(&random))
        var asked: [PeerContact] = lookup.nextQueries(atMilliseconds: 0, capacity: 100)
        #expect(asked == Array(all[40..<50]))
        #expect(lookup.nextQueries(atMilliseconds: 0, capacity: 100).isEmpty)
        var open = asked
        while let next = open.first {
            open.removeFirst()
            // Everybody knows the twenty peers that are closest.
            lookup.onAnswer(from: next.id, closer: Array(all.prefix(20)))
            let more = lookup.nextQueries(atMilliseconds: 0, capacity: 100)
            asked += more
            open += more
        }
        #expect(lookup.isFinished)
        #expect(lookup.closest == Array(all.prefix(20)))
        #expect(Set(asked).count == asked.count)
        #expect(lookup.tally.asked == asked.count && lookup.tally.asked <= 32)
        #expect(lookup.tally.hops == 2)
    }

    @Test("without a follow-up ends when the three closest answered") func betaOnly() {
        var random = SplitMix64(seed: 2)
        let target = KademliaKey(hashing: [2])
        let all = self.contacts(20, to: target, &random)
        var lookup = self.lookup(all, target: target, own: testPeer(&random), confirmsClosest: false)
        _ = lookup.nextQueries(atMilliseconds: 0, capacity: 100)
        for contact in all.prefix(2) { lookup.onAnswer(from: contact.id, closer: []) }
        #expect(!lookup.isFinished)
        lookup.onAnswer(from: all[2].id, closer: [])
        #expect(lookup.isFinished)
    }

    @Test("ends at once without seeds") func noSeeds() {
        var random = SplitMix64(seed: 3)
        let lookup = self.lookup([], target: KademliaKey(hashing: [3]), own: testPeer(&random))
        #expect(lookup.isFinished)
        #expect(lookup.closest.isEmpty)
    }

    @Test("ends when all failed") func allFailed() {
        var random = SplitMix64(seed: 4)
        let target = KademliaKey(hashing: [4])
        let all = self.contacts(5, to: target, &random)
        var lookup = self.lookup(all, target: target, own: testPeer(&random))
        for contact in lookup.nextQueries(atMilliseconds: 0, capacity: 100) { lookup.onFailure(of: contact.id) }
        #expect(lookup.isFinished)
        #expect(lookup.tally.failed == 5)
    }

    @Test("leaves out the node itself, duplicates and peers without an address") func filters() {
        var random = SplitMix64(seed: 5)
        let target = KademliaKey(hashing: [5])
        let own = testContact(1, &random)
        let seed = testContact(2, &random)
        let other = testContact(3, &random)
        var lookup = self.lookup([seed], target: target, own: own.id)
        _ = lookup.nextQueries(atMilliseconds: 0, capacity: 100)
        let addressless = PeerContact(id: testPeer(&random))
        lookup.onAnswer(from: seed.id, closer: [own, seed, other, other, addressless])
        #expect(lookup.nextQueries(atMilliseconds: 0, capacity: 100) == [other])
        lookup.onAnswer(from: other.id, closer: [seed])
        #expect(lookup.isFinished)
        #expect(lookup.tally.asked == 2)
    }

    @Test("reads forty closer peers of an answer and not more") func readsTwoK() {
        var random = SplitMix64(seed: 6)
        let target = KademliaKey(hashing: [6])
        let seed = testContact(1, &random)
        let many = (0..<10_000).map { testContact($0 + 10, &random) }
        var lookup = self.lookup([seed], target: target, own: testPeer(&random))
        _ = lookup.nextQueries(atMilliseconds: 0, capacity: 100)
        lookup.onAnswer(from: seed.id, closer: many)
        let read = many.filter { lookup.contact(of: $0.id) != nil }
        #expect(read == Array(many.prefix(40)))
    }

    @Test("ignores answers it did not ask for") func ignoresUnasked() {
        var random = SplitMix64(seed: 7)
        let target = KademliaKey(hashing: [7])
        let all = self.contacts(30, to: target, &random)
        var lookup = self.lookup(all, target: target, own: testPeer(&random))
        lookup.onAnswer(from: all[0].id, closer: [])
        lookup.onAnswer(from: testPeer(&random), closer: all)
        lookup.onFailure(of: all[1].id)
        #expect(lookup.tally == Lookup.Tally())
        _ = lookup.nextQueries(atMilliseconds: 0, capacity: 100)
        lookup.onAnswer(from: all[0].id, closer: [])
        lookup.onAnswer(from: all[0].id, closer: [])
        #expect(lookup.tally.answered == 1)
    }

    /// One liar names ever new invented peers, each of which, being the liar's, names more: a path without end.
    @Test("ends on a path without end", arguments: [true, false]) func endlessPath(isCloser: Bool) {
        var random = SplitMix64(seed: 8)
        let target = KademliaKey(hashing: [8])
        let pool = self.contacts(4_000, to: target, &random)
        var rest = isCloser ? Array(pool.reversed()) : pool
        var lookup = self.lookup([rest.removeFirst()], target: target, own: testPeer(&random))
        var rounds = 0
        while !lookup.isFinished, rounds < 10_000 {
            rounds += 1
            for contact in lookup.nextQueries(atMilliseconds: 0, capacity: 100) {
                lookup.onAnswer(from: contact.id, closer: Array(rest.prefix(10)))
                rest.removeFirst(min(10, rest.count))
            }
        }
        #expect(lookup.isFinished)
        #expect(lookup.tally.asked <= KademliaLimits.maximumQueriesPerLookup)
    }

    @Test("is not held up by a liar that invents peers") func discreditsLiar() {
        var random = SplitMix64(seed: 9)
        let target = KademliaKey(hashing: [9])
        let all = self.contacts(200, to: target, &random)
        let (invented, honest) = (Array(all.prefix(40)), Array(all.suffix(25)))
        var lookup = self.lookup(honest, target: target, own: testPeer(&random))
        let liar = honest[0]
        var open = lookup.nextQueries(atMilliseconds: 0, capacity: 100)
        while let next = open.first {
            open.removeFirst()
            if invented.contains(next) {
                lookup.onFailure(of: next.id)
            } else {
                lookup.onAnswer(from: next.id, closer: next == liar ? invented : [])
            }
            open += lookup.nextQueries(atMilliseconds: 0, capacity: 100)
        }
        #expect(lookup.isFinished)
        #expect(lookup.closest == Array(honest.prefix(20)))
        // Four failures discredit the liar; up to ten queries are under way at once.
        #expect(lookup.tally.failed <= 14)
    }

    @Test("does not wait for the slow, and takes their late answers") func slowPeers() {
        var random = SplitMix64(seed: 10)
        let target = KademliaKey(hashing: [10])
        let all = self.contacts(20, to: target, &random)
        var lookup = self.lookup(all, target: target, own: testPeer(&random))
        let first = lookup.nextQueries(atMilliseconds: 1_000, capacity: 100)
        #expect(first.count == 10)
        lookup.onTime(2_999)
        #expect(lookup.nextQueries(atMilliseconds: 2_999, capacity: 100).isEmpty)
        lookup.onTime(3_000)
        let second = lookup.nextQueries(atMilliseconds: 3_000, capacity: 100)
        #expect(second == Array(all.suffix(10)))
        lookup.onAnswer(from: first[4].id, closer: [])
        for contact in second { lookup.onAnswer(from: contact.id, closer: []) }
        #expect(lookup.isFinished)
        #expect(lookup.closest == [first[4]] + second)
    }

    @Test("waits for the slow when nobody has answered") func onlySlowPeers() {
        var random = SplitMix64(seed: 11)
        let contact = testContact(1, &random)
        var lookup = self.lookup([contact], target: KademliaKey(hashing: [11]), own: testPeer(&random))
        _ = lookup.nextQueries(atMilliseconds: 0, capacity: 100)
        lookup.onTime(5_000)
        #expect(!lookup.isFinished)
        lookup.onAnswer(from: contact.id, closer: [])
        #expect(lookup.isFinished)
        #expect(lookup.closest == [contact])
    }

    @Test("asks a peer again at other addresses: whoever named it first may have lied") func otherAddresses() {
        var random = SplitMix64(seed: 12)
        let target = KademliaKey(hashing: [12])
        let seeds = self.contacts(2, to: target, &random)
        let peer = testPeer(&random)
        let wrong = PeerContact(id: peer, addresses: [testAddress(100)])
        let right = PeerContact(id: peer, addresses: [testAddress(200)])
        var lookup = self.lookup(seeds, target: target, own: testPeer(&random))
        _ = lookup.nextQueries(atMilliseconds: 0, capacity: 100)
        lookup.onAnswer(from: seeds[0].id, closer: [wrong])
        #expect(lookup.nextQueries(atMilliseconds: 0, capacity: 100) == [wrong])
        lookup.onFailure(of: peer)
        lookup.onAnswer(from: seeds[1].id, closer: [right])
        #expect(lookup.nextQueries(atMilliseconds: 0, capacity: 100) == [right])
        lookup.onAnswer(from: peer, closer: [])
        #expect(lookup.isFinished)
        #expect(lookup.closest.contains(right))
    }

    @Test("asks one peer at most three times") func attemptLimit() {
        var random = SplitMix64(seed: 13)
        let target = KademliaKey(hashing: [13])
        let seeds = self.contacts(12, to: target, &random)
        let peer = testPeer(&random)
        var lookup = self.lookup(seeds, target: target, own: testPeer(&random))
        var attempts = 0
        var open = lookup.nextQueries(atMilliseconds: 0, capacity: 100)
        while let next = open.first {
            open.removeFirst()
            if next.id == peer {
                attempts += 1
                lookup.onFailure(of: peer)
            } else {
                let fresh = PeerContact(id: peer, addresses: [testAddress(.random(in: 0...1_000_000, using: &random))])
                lookup.onAnswer(from: next.id, closer: [fresh])
            }
            open += lookup.nextQueries(atMilliseconds: 0, capacity: 100)
        }
        #expect(attempts == KademliaLimits.maximumAttemptsPerPeer)
        #expect(lookup.isFinished)
    }

    @Test("asks no more than its capacity") func capacity() {
        var random = SplitMix64(seed: 14)
        let target = KademliaKey(hashing: [14])
        var lookup = self.lookup(self.contacts(20, to: target, &random), target: target, own: testPeer(&random))
        #expect(lookup.nextQueries(atMilliseconds: 0, capacity: 0).isEmpty)
        #expect(lookup.nextQueries(atMilliseconds: 0, capacity: 4).count == 4)
        #expect(lookup.nextQueries(atMilliseconds: 0, capacity: 100).count == 6)
        lookup.stop()
        #expect(lookup.isFinished)
        #expect(lookup.nextQueries(atMilliseconds: 0, capacity: 100).isEmpty)
    }
}
