package import Identity

/// Chooses the host of the next attempt of a call, and learns from how attempts went. Deterministic: the caller draws the
/// random number.
///
/// The order of preference: not backed off, this agent itself, the newest release, then the better of two drawn at random
/// by expected wait (latency times what is under way). When all are backed off, the one whose time ends first is tried:
/// a person who asks for a call gets an attempt.
package struct HostSelector: Sendable {
    /// The most hosts that are remembered; the one used longest ago is forgotten first.
    package static let maximumHosts = 1_024
    /// The back-off after the first failure, in milliseconds; it doubles with each further one.
    package static let firstBackOffMilliseconds: UInt64 = 1_000
    /// The longest back-off that grows from failures, in milliseconds.
    package static let maximumBackOffMilliseconds: UInt64 = 60_000
    /// The longest time that a host may ask to be left alone, in milliseconds.
    package static let maximumRetryAfterMilliseconds: UInt64 = 300_000

    /// A host that may be called: its grant was checked (``HostCheck``).
    package struct Candidate: Sendable, Hashable {
        package let host: PeerID
        /// Whether it is this agent.
        package let isLocal: Bool
        /// Whether its grant names the release of the newest descriptor.
        package let runsNewestRelease: Bool

        package init(host: PeerID, isLocal: Bool = false, runsNewestRelease: Bool = true) {
            self.host = host
            self.isLocal = isLocal
            self.runsNewestRelease = runsNewestRelease
        }
    }

    /// What is known about one host.
    private struct Memory {
        /// A moving average with a weight of one quarter for the newest, in microseconds; nil before the first.
        var latencyMicroseconds: UInt64?
        var underWay = 0
        var failures: UInt64 = 0
        var backedOffUntil: UInt64 = 0
        var lastUsed: UInt64 = 0
    }

    private var memories: [PeerID: Memory] = [:]
    /// Counts uses, so that the oldest memory is found without a clock.
    private var useCount: UInt64 = 0

    package init() {}

    /// The host to try next; nil when all candidates were tried.
    ///
    /// `random` is uniformly random.
    package func choose(
        from candidates: [Candidate], excluding tried: [PeerID], nowMilliseconds: UInt64, random: UInt64
    ) -> Candidate? {
        let left = candidates.filter { !tried.contains($0.host) }.sorted { $0.host < $1.host }
        let ready = left.filter { self.backedOffUntil($0.host) <= nowMilliseconds }
        guard !ready.isEmpty else {
            return left.min { self.backedOffUntil($0.host) < self.backedOffUntil($1.host) }
        }
        if let local = ready.first(where: \.isLocal) { return local }
        let newest = ready.filter(\.runsNewestRelease)
        let pool = newest.isEmpty ? ready : newest
        guard pool.count > 1 else { return pool.first }
        let count = UInt64(pool.count)
        let first = random % count
        // Never the same one twice: a step of 1 to count - 1 around the ring.
        let second = (first + 1 + (random / count) % (count - 1)) % count
        let (one, other) = (pool[Int(first)], pool[Int(second)])
        return self.expectedWait(one.host) <= self.expectedWait(other.host) ? one : other
    }

    /// An attempt at a host begins.
    package mutating func onStarted(_ host: PeerID) { self.update(host) { $0.underWay += 1 } }

    /// An attempt was answered; call once for each ``onStarted(_:)``.
    ///
    /// `latencyMicroseconds` is from the header to the first frame of the answer.
    package mutating func onSucceeded(_ host: PeerID, latencyMicroseconds: UInt64) {
        self.update(host) { memory in
            memory.underWay = max(0, memory.underWay - 1)
            memory.failures = 0
            memory.backedOffUntil = 0
            let newest = min(latencyMicroseconds, 1 << 40)
            memory.latencyMicroseconds = memory.latencyMicroseconds.map { $0 - $0 / 4 + newest / 4 } ?? newest
        }
    }

    /// An attempt ended without telling anything about the host: the caller gave up.
    package mutating func onAbandoned(_ host: PeerID) {
        self.update(host) { $0.underWay = max(0, $0.underWay - 1) }
    }

    /// An attempt failed by the host's fault, or the host asked to be left alone.
    ///
    /// `retryAfterMilliseconds` is the host's hint; 0 for none. `random` is uniformly random; spreads the ends of
    /// back-offs by a quarter.
    package mutating func onFailed(
        _ host: PeerID, retryAfterMilliseconds: UInt32 = 0, nowMilliseconds: UInt64, random: UInt64
    ) {
        self.update(host) { memory in
            memory.underWay = max(0, memory.underWay - 1)
            memory.failures = min(memory.failures + 1, 16)
            let grown = Self.firstBackOffMilliseconds << (memory.failures - 1)
            let pause = min(grown, Self.maximumBackOffMilliseconds)
            let spread = pause - pause / 8 + random % (pause / 4 + 1)
            let asked = min(UInt64(retryAfterMilliseconds), Self.maximumRetryAfterMilliseconds)
            memory.backedOffUntil = nowMilliseconds + max(spread, asked)
        }
    }

    /// Until when a host is left alone, in milliseconds of the monotonic clock; 0 when it is not.
    package func backedOffUntil(_ host: PeerID) -> UInt64 { self.memories[host]?.backedOffUntil ?? 0 }

    private func expectedWait(_ host: PeerID) -> UInt64 {
        // A host that was never called is tried: nothing is known against it.
        guard let memory = self.memories[host] else { return 0 }
        return (memory.latencyMicroseconds ?? 0) * UInt64(memory.underWay + 1)
    }

    private mutating func update(_ host: PeerID, _ change: (inout Memory) -> Void) {
        self.useCount += 1
        var memory = self.memories[host] ?? Memory()
        memory.lastUsed = self.useCount
        change(&memory)
        self.memories[host] = memory
        guard self.memories.count > Self.maximumHosts else { return }
        // Uses are numbered, so the minimum is the same one in whatever order the dictionary is read.
        if let oldest = self.memories.min(by: { $0.value.lastUsed < $1.value.lastUsed }) {
            self.memories[oldest.key] = nil
        }
    }
}
