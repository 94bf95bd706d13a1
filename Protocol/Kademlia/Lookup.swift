package import Identity
import Wire

/// One iterative search for the peers closest to a position (Specs/kademlia.md, section 6).
///
/// It knows nothing of what is asked: whoever drives it asks the peers that ``nextQueries(atMilliseconds:capacity:)`` names and reports what became of it.
package struct Lookup: Sendable {
    /// What became of the peers asked so far.
    package struct Tally: Hashable, Sendable {
        /// Queries started.
        package var asked = 0
        /// Queries answered.
        package var answered = 0
        /// Queries that failed.
        package var failed = 0
        /// The longest chain of referrals that led to an answer; 1 is a peer of the own table.
        package var hops = 0

        package init() {}
    }

    private enum State: Hashable { case heard, waiting, slow, answered, failed }

    private struct Candidate {
        var contact: PeerContact
        let distance: KademliaDistance
        var state = State.heard
        var askedAtMilliseconds: UInt64 = 0
        var attempts = 0
        var depth = 1
        /// Addresses heard since it was asked; they are tried when the others failed.
        var spareAddresses: [Multiaddr] = []
        /// Who named it first; empty for the seeds, which the own table vouches for.
        var vouchers: [Int] = []
    }

    private struct Voucher {
        var failed = 0
        var answered = 0
        var isDiscredited: Bool {
            self.failed >= KademliaLimits.tolerableFailedReferrals && 3 * self.answered < self.failed
        }
    }

    /// What is searched for.
    package let target: KademliaKey
    /// Queries so far.
    package private(set) var tally = Tally()
    /// True when no more is to be asked. Answers that arrive later are still welcome.
    package private(set) var isFinished = false

    private let own: PeerID
    private let parameters: KademliaParameters
    private let goal: Int
    private var candidates: [Candidate] = []  // Closest first.
    private var vouchers: [Voucher] = []
    private var waitingCount = 0

    /// Starts from the closest peers of the table.
    ///
    /// `confirmsClosest` says whether the follow-up asks all of the k closest. Without it the lookup ends with the beta
    /// closest.
    package init(
        target: KademliaKey, own: PeerID, seeds: [PeerContact], parameters: KademliaParameters,
        confirmsClosest: Bool = true
    ) {
        self.target = target
        self.own = own
        self.parameters = parameters
        self.goal = confirmsClosest ? parameters.replication : parameters.resilience
        for seed in seeds { self.hear(seed, voucher: nil, depth: 1) }
        self.update()
    }

    /// The up to k closest peers that answered, closest first.
    package var closest: [PeerContact] {
        self.candidates.lazy.filter { $0.state == .answered }.prefix(self.parameters.replication).map(\.contact)
    }

    /// What was heard of a peer, whether or not it answered.
    package func contact(of id: PeerID) -> PeerContact? {
        guard let index = self.find(id) else { return nil }
        var contact = self.candidates[index].contact
        contact.add(self.candidates[index].spareAddresses)
        return contact
    }

    /// When a query becomes slow, if none is settled before.
    package var nextDeadline: UInt64? {
        guard !self.isFinished else { return nil }
        let asked = self.candidates.lazy.filter { $0.state == .waiting }.map(\.askedAtMilliseconds).min()
        return asked.map { saturatingSum($0, self.parameters.slowQueryMilliseconds) }
    }

    /// The peers to ask now, at most `capacity`. They count as asked from here on.
    package mutating func nextQueries(atMilliseconds now: UInt64, capacity: Int) -> [PeerContact] {
        var queries: [PeerContact] = []
        while !self.isFinished, queries.count < capacity, self.tally.asked < KademliaLimits.maximumQueriesPerLookup {
            let isFollowUp = self.closestHaveAnswered(self.parameters.resilience)
            guard self.waitingCount < (isFollowUp ? self.parameters.replication : self.parameters.concurrency) else {
                break
            }
            guard let index = self.nextHeard(within: isFollowUp ? self.goal : .max) else { break }
            self.candidates[index].state = .waiting
            self.candidates[index].askedAtMilliseconds = now
            self.candidates[index].attempts += 1
            self.waitingCount += 1
            self.tally.asked += 1
            queries.append(self.candidates[index].contact)
        }
        return queries
    }

    /// Takes an answer. Of the closer peers the first 2k are read.
    package mutating func onAnswer(from id: PeerID, closer: [PeerContact]) {
        guard let index = self.settle(id, as: .answered) else { return }
        self.tally.answered += 1
        let depth = self.candidates[index].depth
        self.tally.hops = max(self.tally.hops, depth)
        if !self.isFinished {
            self.vouchers.append(Voucher())
            for contact in closer.prefix(2 * self.parameters.replication) {
                self.hear(contact, voucher: self.vouchers.count - 1, depth: depth + 1)
            }
        }
        self.update()
    }

    /// Takes a failure. The peer is asked again if other addresses of it were heard meanwhile.
    package mutating func onFailure(of id: PeerID) {
        guard let index = self.settle(id, as: .failed) else { return }
        self.tally.failed += 1
        self.reviveIfPossible(index)
        self.update()
    }

    /// Marks the queries that have been under way for too long, so that nobody waits for them.
    package mutating func onTime(_ nowMilliseconds: UInt64) {
        for index in self.candidates.indices where self.candidates[index].state == .waiting {
            let slowAt = saturatingSum(
                self.candidates[index].askedAtMilliseconds, self.parameters.slowQueryMilliseconds)
            guard slowAt <= nowMilliseconds else { continue }
            self.candidates[index].state = .slow
            self.waitingCount -= 1
            for voucher in self.candidates[index].vouchers { self.vouchers[voucher].failed += 1 }
        }
        self.update()
    }

    /// Ends the lookup: its driver has what it wanted.
    package mutating func stop() { self.isFinished = true }
}

extension Lookup {
    /// Ends a query of a peer; nil when there was none under way.
    private mutating func settle(_ id: PeerID, as state: State) -> Int? {
        guard let index = self.find(id) else { return nil }
        let previous = self.candidates[index].state
        guard previous == .waiting || previous == .slow else { return nil }
        if previous == .waiting { self.waitingCount -= 1 }
        self.candidates[index].state = state
        for voucher in self.candidates[index].vouchers {
            // A slow query was counted as failed already.
            if previous == .slow { self.vouchers[voucher].failed = max(0, self.vouchers[voucher].failed - 1) }
            if state == .answered { self.vouchers[voucher].answered += 1 } else { self.vouchers[voucher].failed += 1 }
        }
        return index
    }

    private mutating func hear(_ contact: PeerContact, voucher: Int?, depth: Int) {
        guard contact.id != self.own else { return }
        let distance = KademliaKey(contact.id).distance(to: self.target)
        let place = self.place(of: distance)
        if place < self.candidates.count, self.candidates[place].distance == distance {
            self.hearAgain(place, contact, voucher: voucher)
            return
        }
        guard !contact.addresses.isEmpty else { return }
        if self.candidates.count >= KademliaLimits.maximumKnownPeersPerLookup {
            guard let last = self.candidates.last, distance < last.distance, last.state == .heard else { return }
            self.candidates.removeLast()
        }
        var candidate = Candidate(contact: contact, distance: distance)
        candidate.depth = depth
        if let voucher { candidate.vouchers = [voucher] }
        self.candidates.insert(candidate, at: place)
    }

    /// Adds what another peer says about one that is known.
    private mutating func hearAgain(_ index: Int, _ contact: PeerContact, voucher: Int?) {
        switch self.candidates[index].state {
        case .answered: return
        case .heard: self.candidates[index].contact.add(contact.addresses)
        case .waiting, .slow, .failed:
            let tried = self.candidates[index].contact.addresses + self.candidates[index].spareAddresses
            let fresh = contact.addresses.filter { !tried.contains($0) }
            let room = max(0, KademliaLimits.maximumAddressesPerPeer - self.candidates[index].spareAddresses.count)
            self.candidates[index].spareAddresses += fresh.prefix(room)
        }
        let vouchers = self.candidates[index].vouchers
        if let voucher, !vouchers.isEmpty, vouchers.count < KademliaLimits.maximumVouchers {
            self.candidates[index].vouchers.append(voucher)
        }
        if self.candidates[index].state == .failed { self.reviveIfPossible(index) }
    }

    /// Lets a failed peer be asked once more when addresses of it are left that were not tried: whoever named it first
    /// may have lied about where it is.
    private mutating func reviveIfPossible(_ index: Int) {
        let candidate = self.candidates[index]
        guard !candidate.spareAddresses.isEmpty, candidate.attempts < KademliaLimits.maximumAttemptsPerPeer else {
            return
        }
        self.candidates[index].contact = PeerContact(id: candidate.contact.id, addresses: candidate.spareAddresses)
        self.candidates[index].spareAddresses = []
        self.candidates[index].state = .heard
    }

    private func isDistrusted(_ candidate: Candidate) -> Bool {
        !candidate.vouchers.isEmpty && candidate.vouchers.allSatisfy { self.vouchers[$0].isDiscredited }
    }

    /// Whether a peer counts among the closest: it did not fail, is not waited for in vain and somebody of credit named it.
    private func isLive(_ candidate: Candidate) -> Bool {
        switch candidate.state {
        case .answered, .waiting: true
        case .failed, .slow: false
        case .heard: !self.isDistrusted(candidate)
        }
    }

    /// Whether all of the `count` closest live peers have answered, and there is at least one.
    private func closestHaveAnswered(_ count: Int) -> Bool {
        var answered = 0
        for candidate in self.candidates where self.isLive(candidate) {
            guard candidate.state == .answered else { return false }
            answered += 1
            if answered == count { return true }
        }
        return answered > 0
    }

    /// The closest heard peer among the `count` closest live ones; without any answer so far, also a distrusted one.
    private func nextHeard(within count: Int) -> Int? {
        var seen = 0
        for index in self.candidates.indices where self.isLive(self.candidates[index]) {
            if self.candidates[index].state == .heard { return index }
            seen += 1
            if seen >= count { return nil }
        }
        guard self.tally.answered == 0, self.waitingCount == 0 else { return nil }
        return self.candidates.firstIndex { $0.state == .heard }
    }

    /// Finds out whether there is anything left to do.
    private mutating func update() {
        guard !self.isFinished else { return }
        if self.closestHaveAnswered(self.goal) {
            self.isFinished = true
        } else if self.waitingCount == 0 {
            let isSpent = self.tally.asked >= KademliaLimits.maximumQueriesPerLookup
            let isStarved = isSpent || self.nextHeard(within: .max) == nil
            let hopesForSlow = self.tally.answered == 0 && self.candidates.contains { $0.state == .slow }
            self.isFinished = isStarved && !hopesForSlow
        }
    }

    /// The index of the first candidate that is not closer than `distance`.
    private func place(of distance: KademliaDistance) -> Int {
        var low = 0
        var high = self.candidates.count
        while low < high {
            let middle = (low + high) / 2
            if self.candidates[middle].distance < distance { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func find(_ id: PeerID) -> Int? {
        let distance = KademliaKey(id).distance(to: self.target)
        let index = self.place(of: distance)
        return index < self.candidates.count && self.candidates[index].distance == distance ? index : nil
    }
}
