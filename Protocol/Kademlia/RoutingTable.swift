package import Identity

/// The peers a node knows to answer, by how many leading bits their position shares with its own (Specs/kademlia.md, section 4).
///
/// Only peers that answered belong here; the caller sees to that. Old live peers are never displaced.
package struct RoutingTable: Sendable {
    /// One peer of the table.
    package struct Entry: Sendable {
        /// Who and where.
        package var contact: PeerContact
        /// Its position.
        package let key: KademliaKey
        /// When it last answered, in milliseconds of the monotonic clock.
        package var usefulAtMilliseconds: UInt64
        /// Queries in a row that failed.
        package var consecutiveFailures = 0
        /// When the first of these failed.
        package var firstFailureAtMilliseconds: UInt64 = 0

        /// Whether its last query succeeded.
        package var isHealthy: Bool { self.consecutiveFailures == 0 }
    }

    /// What became of a newcomer.
    package enum Insertion: Hashable, Sendable {
        case added
        /// It took the place of a peer that failed or was of no use for long.
        case replaced(PeerID)
        /// It was there; its addresses were renewed.
        case known
        /// Its bucket is full of live peers.
        case bucketFull
        /// It is the node itself.
        case isSelf
    }

    /// The node's own position.
    package let ownKey: KademliaKey
    /// Peers in the table.
    package private(set) var count = 0
    /// Index: length of the common prefix. Each bucket holds its peers oldest first.
    private var buckets: [[Entry]] = []
    private let bucketSize: Int
    private let usefulnessWindowMilliseconds: UInt64

    /// An empty table.
    package init(ownKey: KademliaKey, parameters: KademliaParameters) {
        self.ownKey = ownKey
        self.bucketSize = parameters.replication
        self.usefulnessWindowMilliseconds = parameters.usefulnessWindowMilliseconds
    }

    /// All entries: by common prefix, then oldest first. The order is the same in every process.
    package var entries: [Entry] { self.buckets.flatMap { $0 } }

    /// All contacts, to be saved and offered as candidates after a restart.
    package var snapshot: [PeerContact] { self.entries.map(\.contact) }

    /// The number of peers for each length of common prefix, up to the deepest occupied bucket.
    package var bucketCounts: [Int] { self.buckets.map(\.count) }

    /// The entry of a peer.
    package func entry(of id: PeerID) -> Entry? {
        guard let (bucket, index) = self.find(id) else { return nil }
        return self.buckets[bucket][index]
    }

    /// Whether a newcomer at a position would be taken in.
    package func hasRoom(for key: KademliaKey, atMilliseconds now: UInt64) -> Bool {
        guard key != self.ownKey else { return false }
        let bucket = self.ownKey.commonPrefixLength(with: key)
        guard bucket < self.buckets.count else { return true }
        return self.buckets[bucket].count < self.bucketSize || self.replaceable(in: bucket, atMilliseconds: now) != nil
    }

    /// Takes in a peer that just answered, or renews it.
    package mutating func insert(_ contact: PeerContact, atMilliseconds now: UInt64) -> Insertion {
        let key = KademliaKey(contact.id)
        guard key != self.ownKey else { return .isSelf }
        let bucket = self.ownKey.commonPrefixLength(with: key)
        while self.buckets.count <= bucket { self.buckets.append([]) }
        if let index = self.buckets[bucket].firstIndex(where: { $0.contact.id == contact.id }) {
            var renewed = contact
            renewed.add(self.buckets[bucket][index].contact.addresses)
            self.buckets[bucket][index].contact = renewed
            self.buckets[bucket][index].usefulAtMilliseconds = now
            self.buckets[bucket][index].consecutiveFailures = 0
            return .known
        }
        let entry = Entry(contact: contact, key: key, usefulAtMilliseconds: now)
        guard self.buckets[bucket].count >= self.bucketSize else {
            self.buckets[bucket].append(entry)
            self.count += 1
            return .added
        }
        guard let index = self.replaceable(in: bucket, atMilliseconds: now) else { return .bucketFull }
        let replaced = self.buckets[bucket].remove(at: index)
        self.buckets[bucket].append(entry)
        return .replaced(replaced.contact.id)
    }

    /// Notes that a peer of the table answered. False when it is not in the table.
    package mutating func onAnswer(from id: PeerID, atMilliseconds now: UInt64) -> Bool {
        guard let (bucket, index) = self.find(id) else { return false }
        self.buckets[bucket][index].usefulAtMilliseconds = now
        self.buckets[bucket][index].consecutiveFailures = 0
        return true
    }

    /// Notes that a query to a peer of the table failed, and removes it after the second failure in a row; true when it
    /// was removed.
    ///
    /// Nobody is removed for failures since which nobody at all has answered (`lastAnswerAtMilliseconds` is when anybody
    /// did): then it is this node's network that fails.
    package mutating func onFailure(
        of id: PeerID, atMilliseconds now: UInt64, lastAnswerAtMilliseconds: UInt64?
    ) -> Bool {
        guard let (bucket, index) = self.find(id) else { return false }
        if self.buckets[bucket][index].isHealthy { self.buckets[bucket][index].firstFailureAtMilliseconds = now }
        let failures = self.buckets[bucket][index].consecutiveFailures
        self.buckets[bucket][index].consecutiveFailures = min(failures + 1, KademliaLimits.maximumConsecutiveFailures)
        let entry = self.buckets[bucket][index]
        guard entry.consecutiveFailures >= KademliaLimits.maximumConsecutiveFailures else { return false }
        guard let answered = lastAnswerAtMilliseconds, answered >= entry.firstFailureAtMilliseconds else {
            return false
        }
        self.buckets[bucket].remove(at: index)
        self.count -= 1
        return true
    }

    /// Removes a peer that said it does not serve any more. False when it was not in the table.
    package mutating func remove(_ id: PeerID) -> Bool {
        guard let (bucket, index) = self.find(id) else { return false }
        self.buckets[bucket].remove(at: index)
        self.count -= 1
        return true
    }

    /// Replaces the addresses of a peer of the table with those it announced itself. False when it is not in the table.
    package mutating func renew(_ contact: PeerContact) -> Bool {
        guard let (bucket, index) = self.find(contact.id) else { return false }
        self.buckets[bucket][index].contact = contact
        return true
    }

    /// The entries closest to a position, closest first; those whose last query failed only if asked for.
    package func closest(
        to target: KademliaKey, count: Int, includesFailing: Bool = false,
        where isWanted: (Entry) -> Bool = { _ in true }
    ) -> [Entry] {
        let prefix = self.ownKey.commonPrefixLength(with: target)
        // Places instead of entries: most of those looked at are not among the closest, and copying them costs.
        var found: [(distance: KademliaDistance, bucket: Int, index: Int)] = []
        func take(_ bucket: Int) {
            for index in self.buckets[bucket].indices
            where (includesFailing || self.buckets[bucket][index].isHealthy) && isWanted(self.buckets[bucket][index]) {
                found.append((self.buckets[bucket][index].key.distance(to: target), bucket, index))
            }
        }
        // Peers of the target's own bucket share more bits with it than any others, those of deeper buckets exactly
        // `prefix` bits, those of each shallower one fewer.
        if prefix < self.buckets.count { take(prefix) }
        if found.count < count { for bucket in self.buckets.indices where bucket > prefix { take(bucket) } }
        for bucket in self.buckets.indices.prefix(prefix).reversed() where found.count < count { take(bucket) }
        found.sort { $0.distance < $1.distance }
        return found.prefix(count).map { self.buckets[$0.bucket][$0.index] }
    }

    private func find(_ id: PeerID) -> (bucket: Int, index: Int)? {
        let bucket = self.ownKey.commonPrefixLength(with: KademliaKey(id))
        guard bucket < self.buckets.count else { return nil }
        guard let index = self.buckets[bucket].firstIndex(where: { $0.contact.id == id }) else { return nil }
        return (bucket, index)
    }

    /// The peer of a bucket that a newcomer may replace: a failing one, else the one without use for longest.
    private func replaceable(in bucket: Int, atMilliseconds now: UInt64) -> Int? {
        let entries = self.buckets[bucket]
        func oldest(_ isCandidate: (Entry) -> Bool) -> Int? {
            entries.indices.filter { isCandidate(entries[$0]) }
                .min { entries[$0].usefulAtMilliseconds < entries[$1].usefulAtMilliseconds }
        }
        return oldest { !$0.isHealthy }
            ?? oldest { saturatingSum($0.usefulAtMilliseconds, self.usefulnessWindowMilliseconds) < now }
    }
}
