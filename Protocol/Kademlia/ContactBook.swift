import DequeModule
package import Identity

/// Where peers outside the table were last known to be, a bounded number for a bounded time; the least recently seen
/// leave first (Specs/kademlia.md, section 7).
package struct ContactBook: Sendable {
    private struct Entry {
        var contact: PeerContact
        var seenAtMilliseconds: UInt64
        var stamp: UInt64
    }

    private var entries: [PeerID: Entry] = [:]
    /// Every sighting, oldest first. One whose stamp is not its entry's is out of date.
    private var sightings: Deque<(id: PeerID, stamp: UInt64)> = []
    private var lastStamp: UInt64 = 0
    private let limit: Int
    private let lifetimeMilliseconds: UInt64

    /// An empty book.
    package init(limit: Int = KademliaLimits.maximumBookedContacts, lifetimeMilliseconds: UInt64) {
        self.limit = limit
        self.lifetimeMilliseconds = lifetimeMilliseconds
    }

    /// How many peers are remembered.
    package var count: Int { self.entries.count }

    /// What is remembered of a peer.
    package func contact(of id: PeerID, atMilliseconds now: UInt64) -> PeerContact? {
        guard let entry = self.entries[id] else { return nil }
        return saturatingSum(entry.seenAtMilliseconds, self.lifetimeMilliseconds) > now ? entry.contact : nil
    }

    /// Remembers where a peer says it is.
    package mutating func remember(_ contact: PeerContact, atMilliseconds now: UInt64) {
        self.lastStamp += 1
        self.entries[contact.id] = Entry(contact: contact, seenAtMilliseconds: now, stamp: self.lastStamp)
        self.sightings.append((contact.id, self.lastStamp))
        while self.entries.count > self.limit || self.sightings.count > 2 * self.limit {
            guard let oldest = self.sightings.popFirst() else { break }
            if self.entries[oldest.id]?.stamp == oldest.stamp { self.entries[oldest.id] = nil }
        }
    }

    /// Forgets a peer.
    package mutating func forget(_ id: PeerID) { self.entries[id] = nil }
}
