import Identity
import Kademlia
import TestKit
import Testing
import Wire

@Suite("A routing table") struct RoutingTableTests {
    private func table(_ random: inout SplitMix64) -> RoutingTable {
        RoutingTable(ownKey: KademliaKey(testPeer(&random)), parameters: KademliaParameters())
    }

    @Test("keeps at most k peers for each common prefix, the old ones", arguments: 0..<10 as Range<UInt64>)
    func keepsOldPeers(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var table = self.table(&random)
        let contacts = (0..<600).map { testContact($0, &random) }
        var expected: [Int: [PeerID]] = [:]
        for (time, contact) in contacts.enumerated() {
            let prefix = table.ownKey.commonPrefixLength(with: KademliaKey(contact.id))
            let hasRoom = expected[prefix, default: []].count < 20
            #expect(table.hasRoom(for: KademliaKey(contact.id), atMilliseconds: UInt64(time)) == hasRoom)
            #expect(table.insert(contact, atMilliseconds: UInt64(time)) == (hasRoom ? .added : .bucketFull))
            if hasRoom { expected[prefix, default: []].append(contact.id) }
        }
        #expect(table.entries.map(\.contact.id) == expected.keys.sorted().flatMap { expected[$0] ?? [] })
        #expect(table.count == table.entries.count)
        #expect(table.bucketCounts.allSatisfy { $0 <= 20 })
        #expect(table.snapshot == table.entries.map(\.contact))
    }

    @Test("names the closest peers as a full search does", arguments: 0..<10 as Range<UInt64>)
    func findsClosest(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var table = self.table(&random)
        for number in 0..<300 { _ = table.insert(testContact(number, &random), atMilliseconds: 0) }
        for count in [1, 3, 20, 1_000] {
            let target = KademliaKey(hashing: random.bytes(8))
            let all = table.entries.sorted { $0.key.distance(to: target) < $1.key.distance(to: target) }
            let found = table.closest(to: target, count: count)
            #expect(found.map(\.contact.id) == all.prefix(count).map(\.contact.id), "seed \(seed)")
        }
        let own = table.closest(to: table.ownKey, count: 5).map(\.contact.id)
        #expect(own == Array(table.entries.map(\.contact.id).reversed().prefix(5)) || own.count == 5)
    }

    @Test("does not take in the node itself") func refusesSelf() {
        var random = SplitMix64(seed: 3)
        let own = testContact(0, &random)
        var table = RoutingTable(ownKey: KademliaKey(own.id), parameters: KademliaParameters())
        #expect(table.insert(own, atMilliseconds: 0) == .isSelf)
        #expect(!table.hasRoom(for: KademliaKey(own.id), atMilliseconds: 0))
        #expect(table.count == 0)
    }

    /// A table with one full bucket, and a peer more for it.
    private func fullBucket(_ random: inout SplitMix64) -> (RoutingTable, [PeerContact], PeerContact) {
        var table = self.table(&random)
        var members: [PeerContact] = []
        while members.count < 21 {
            let contact = testContact(members.count, &random)
            guard table.ownKey.commonPrefixLength(with: KademliaKey(contact.id)) == 0 else { continue }
            members.append(contact)
        }
        for contact in members.dropLast() { _ = table.insert(contact, atMilliseconds: 1_000) }
        return (table, Array(members.dropLast()), members[20])
    }

    @Test("replaces a peer whose last query failed") func replacesFailing() {
        var random = SplitMix64(seed: 4)
        var (table, members, newcomer) = self.fullBucket(&random)
        #expect(table.insert(newcomer, atMilliseconds: 2_000) == .bucketFull)
        #expect(table.onFailure(of: members[7].id, atMilliseconds: 2_000, lastAnswerAtMilliseconds: 2_000) == false)
        #expect(table.insert(newcomer, atMilliseconds: 2_001) == .replaced(members[7].id))
        #expect(table.count == 20)
    }

    @Test("replaces a peer after 86 minutes without use, not before") func replacesUseless() {
        var random = SplitMix64(seed: 5)
        var (table, members, newcomer) = self.fullBucket(&random)
        let window = KademliaParameters().usefulnessWindowMilliseconds
        for member in members where member != members[3] {
            #expect(table.onAnswer(from: member.id, atMilliseconds: 5_000) == true)
        }
        #expect(table.insert(newcomer, atMilliseconds: 1_000 + window) == .bucketFull)
        #expect(table.insert(newcomer, atMilliseconds: 1_001 + window) == .replaced(members[3].id))
    }

    @Test("loses a peer after two failures in a row, an answer between them saves it") func removesDead() {
        var random = SplitMix64(seed: 6)
        var (table, members, _) = self.fullBucket(&random)
        let id = members[0].id
        #expect(table.onFailure(of: id, atMilliseconds: 10, lastAnswerAtMilliseconds: 100) == false)
        #expect(table.onAnswer(from: id, atMilliseconds: 20) == true)
        #expect(table.onFailure(of: id, atMilliseconds: 30, lastAnswerAtMilliseconds: 100) == false)
        #expect(table.onFailure(of: id, atMilliseconds: 40, lastAnswerAtMilliseconds: 100) == true)
        #expect(table.entry(of: id) == nil)
        #expect(table.count == 19)
    }

    @Test("keeps everybody when nobody answers at all, and names them only if asked") func survivesOutage() {
        var random = SplitMix64(seed: 7)
        var (table, members, _) = self.fullBucket(&random)
        for time in 0..<5 as Range<UInt64> {
            for member in members {
                let isRemoved = table.onFailure(
                    of: member.id, atMilliseconds: 2_000 + time, lastAnswerAtMilliseconds: 1_999)
                #expect(!isRemoved)
            }
        }
        #expect(table.count == 20)
        #expect(table.closest(to: table.ownKey, count: 20).isEmpty)
        #expect(table.closest(to: table.ownKey, count: 20, includesFailing: true).count == 20)
    }

    @Test("replaces addresses by those the peer announced itself") func renewsAddresses() {
        var random = SplitMix64(seed: 8)
        var table = self.table(&random)
        let contact = testContact(1, &random)
        #expect(table.renew(contact) == false)
        #expect(table.insert(contact, atMilliseconds: 0) == .added)
        let moved = PeerContact(id: contact.id, addresses: [testAddress(2)])
        #expect(table.renew(moved) == true)
        #expect(table.entry(of: contact.id)?.contact.addresses == [testAddress(2)])
        #expect(table.insert(contact, atMilliseconds: 1) == .known)
        #expect(table.entry(of: contact.id)?.contact.addresses == [testAddress(1), testAddress(2)])
        #expect(table.remove(contact.id) == true)
        #expect(table.remove(contact.id) == false)
    }
}
