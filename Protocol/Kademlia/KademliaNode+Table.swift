import Identity

// How peers come into the table and leave it, and how it is kept fresh (Specs/kademlia.md, section 4).
extension KademliaNode {
    /// Whether a candidate waits for its check or is being checked.
    var isChecking: Bool { !self.candidates.isEmpty || self.queries.values.contains { $0.purpose == .check } }

    mutating func onIdentified(_ contact: PeerContact, isServer: Bool, at now: Moment) {
        guard contact.id != self.own else { return }
        if !contact.addresses.isEmpty {
            self.book.remember(contact, atMilliseconds: now.monotonicMilliseconds)
        }
        guard isServer else {
            _ = self.table.remove(contact.id)
            self.candidates.removeAll { $0.id == contact.id }
            return
        }
        guard !contact.addresses.isEmpty, !self.table.renew(contact) else { return }
        self.consider(contact, at: now)
    }

    /// Queues a candidate for its check, unless it is known or there is no room.
    mutating func consider(_ contact: PeerContact, at now: Moment) {
        guard contact.id != self.own, !contact.addresses.isEmpty else { return }
        guard self.candidates.count < KademliaLimits.maximumWaitingCandidates else { return }
        guard self.table.entry(of: contact.id) == nil, !self.candidates.contains(where: { $0.id == contact.id }) else {
            return
        }
        let isRunning = self.queries.values.contains { $0.purpose == .check && $0.contact.id == contact.id }
        if !isRunning { self.candidates.append(contact) }
    }

    mutating func startChecks(at now: Moment, into effects: inout [KademliaEffect]) {
        guard !self.candidates.isEmpty else { return }
        var running = self.queries.values.reduce(0) { $0 + ($1.purpose == .check ? 1 : 0) }
        while running < KademliaLimits.maximumConcurrentChecks, self.queries.count < KademliaLimits.maximumQueries {
            guard let contact = self.candidates.first else { return }
            self.candidates.removeFirst()
            let key = KademliaKey(contact.id)
            let isRecheck = self.table.entry(of: contact.id) != nil
            guard isRecheck || self.table.hasRoom(for: key, atMilliseconds: now.monotonicMilliseconds) else { continue }
            self.send(.findNode(key: contact.id.bytes), to: contact, for: .check, at: now, into: &effects)
            running += 1
        }
    }

    /// Takes the answer to a check. A peer that knows nobody while this node knows many is of no use.
    mutating func onCheck(_ contact: PeerContact, _ answer: KademliaAnswer, at now: Moment) {
        let knowsOthers = answer.closerPeers.contains { $0.id != contact.id && $0.id != self.own }
        let isKnown = self.table.entry(of: contact.id) != nil
        guard isKnown || knowsOthers || self.table.count < self.parameters.replication else { return }
        self.onUseful(contact, at: now)
    }

    /// Notes that a peer answered a query: it belongs in the table.
    mutating func onUseful(_ contact: PeerContact, at now: Moment) {
        self.lastAnswerAtMilliseconds = now.monotonicMilliseconds
        if self.table.onAnswer(from: contact.id, atMilliseconds: now.monotonicMilliseconds) { return }
        let wasEmpty = self.table.count == 0
        // What identify said is better than what third parties said.
        let known = self.book.contact(of: contact.id, atMilliseconds: now.monotonicMilliseconds) ?? contact
        if self.table.insert(known, atMilliseconds: now.monotonicMilliseconds) == .added, wasEmpty {
            self.nextRefreshAtMilliseconds = now.monotonicMilliseconds
        }
    }

    /// Notes that a peer did not answer.
    mutating func onUseless(_ id: PeerID, _ failure: QueryFailure, at now: Moment) {
        if failure == .notServing {
            _ = self.table.remove(id)
        } else {
            _ = self.table.onFailure(
                of: id, atMilliseconds: now.monotonicMilliseconds,
                lastAnswerAtMilliseconds: self.lastAnswerAtMilliseconds)
        }
    }

    /// Looks up the own position; the other keys follow when that is done. Asks failing peers once more.
    mutating func beginRefresh(at now: Moment, into effects: inout [KademliaEffect]) {
        self.nextRefreshAtMilliseconds = saturatingSum(
            now.monotonicMilliseconds, self.parameters.refreshIntervalMilliseconds)
        guard self.table.count > 0 else { return }
        let waiting = self.candidates.map(\.id)
        for entry in self.table.entries where !entry.isHealthy && !waiting.contains(entry.contact.id) {
            guard self.candidates.count < KademliaLimits.maximumWaitingCandidates else { break }
            self.candidates.append(entry.contact)
        }
        guard self.refreshCount == 0 else { return }
        _ = self.begin(.closestPeers(key: self.own.bytes), purpose: .refreshSelf, at: now, into: &effects)
    }

    /// After the lookup of the own position: one random key for each bucket with room.
    mutating func continueRefresh(after purpose: Running.Purpose, at now: Moment, into effects: inout [KademliaEffect])
    {
        if purpose == .refreshSelf {
            let counts = self.table.bucketCounts
            let deepest = min(counts.lastIndex { $0 > 0 } ?? 0, KademliaLimits.maximumRefreshedPrefix)
            self.refreshKeys = (0...deepest).compactMap { prefix in
                let isFull = prefix < counts.count && counts[prefix] >= self.parameters.replication
                return isFull ? nil : self.refreshRandom.key(near: self.table.ownKey, sharing: prefix)
            }
        }
        while !self.refreshKeys.isEmpty, self.refreshCount < KademliaLimits.maximumConcurrentRefreshes {
            let key = self.refreshKeys.removeFirst()
            _ = self.begin(.closestPeers(key: key), purpose: .refresh, at: now, into: &effects)
        }
    }

    private var refreshCount: Int {
        self.operations.values.reduce(0) { $0 + ($1.purpose == .refresh || $1.purpose == .refreshSelf ? 1 : 0) }
    }
}

/// Draws the keys of refreshes from a seed: unpredictable without it, the same with it.
struct RefreshKeySource: Sendable {
    private let seed: [UInt8]
    private var counter: UInt64 = 0

    init(seed: [UInt8]) { self.seed = KademliaKey(hashing: seed).bytes }

    /// A key (a SHA-256 multihash of nothing in particular) whose position shares exactly `prefix` bits with another;
    /// nil in the unlikely case that none is found.
    mutating func key(near own: KademliaKey, sharing prefix: Int) -> [UInt8]? {
        for _ in 0..<(64 << prefix) {
            self.counter += 1
            let tail = (0..<8).map { UInt8(truncatingIfNeeded: self.counter >> (8 * $0)) }
            let key = [0x12, 0x20] + self.seed.prefix(24) + tail
            if KademliaKey(hashing: key).commonPrefixLength(with: own) == prefix { return key }
        }
        return nil
    }
}
