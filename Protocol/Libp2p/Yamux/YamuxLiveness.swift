/// Pings: how far away the peer is, and whether it is there at all (Specs/libp2p.md, section 5.5).
struct YamuxLiveness: Sendable {
    var lastReceiveMilliseconds: UInt64
    /// The smoothed round trip, at least one millisecond; nil before the first answer.
    private(set) var roundTripMilliseconds: UInt64?
    /// When the next ping is due; the first at once, for the round trip.
    private(set) var nextPingMilliseconds: UInt64
    private var value: UInt32 = 0
    /// When the ping that is not yet answered became due; nil when none is under way.
    private var dueMilliseconds: UInt64?
    /// When it was sent; nil while it waits for room.
    private var sentMilliseconds: UInt64?

    init(nowMilliseconds: UInt64) {
        self.lastReceiveMilliseconds = nowMilliseconds
        self.nextPingMilliseconds = nowMilliseconds
    }

    /// A ping waits to be sent.
    var isPingDue: Bool { self.dueMilliseconds != nil && self.sentMilliseconds == nil }

    /// When to look again.
    func deadline(_ configuration: YamuxConfiguration) -> UInt64 {
        guard let due = self.dueMilliseconds else { return self.nextPingMilliseconds }
        return max(due, self.lastReceiveMilliseconds) + configuration.pingTimeoutMilliseconds
    }

    /// Begins a ping when it is time. False: the peer answered nothing and sent nothing else for too long.
    mutating func tick(_ configuration: YamuxConfiguration, nowMilliseconds: UInt64) -> Bool {
        if self.dueMilliseconds != nil { return nowMilliseconds < self.deadline(configuration) }
        guard nowMilliseconds >= self.nextPingMilliseconds else { return true }
        self.dueMilliseconds = nowMilliseconds
        self.sentMilliseconds = nil
        self.value &+= 1
        return true
    }

    mutating func takePing(nowMilliseconds: UInt64) -> YamuxHeader {
        self.sentMilliseconds = nowMilliseconds
        return YamuxHeader(.ping, .synchronize, length: self.value)
    }

    /// The round trip that an answer shows; nil for an answer that nobody asked for.
    mutating func onPong(
        _ value: UInt32, _ configuration: YamuxConfiguration, nowMilliseconds: UInt64
    ) -> UInt64? {
        guard let sent = self.sentMilliseconds, value == self.value else { return nil }
        self.dueMilliseconds = nil
        self.sentMilliseconds = nil
        self.nextPingMilliseconds = nowMilliseconds + configuration.pingIntervalMilliseconds
        let sample = max(nowMilliseconds &- sent, 1)
        self.roundTripMilliseconds = self.roundTripMilliseconds.map { max(($0 + sample) / 2, 1) } ?? sample
        return sample
    }
}

extension YamuxSession {
    /// The smoothed round trip, in milliseconds and at least one; nil before the first answer to a ping.
    package var roundTripMilliseconds: UInt64? { self.liveness.roundTripMilliseconds }

    /// When to call ``tick(nowMilliseconds:)`` next.
    package var nextDeadlineMilliseconds: UInt64 { self.liveness.deadline(self.configuration) }

    /// Lets time pass. Returns false when the peer is dead: it left a ping unanswered and sent nothing else.
    package mutating func tick(nowMilliseconds: UInt64) -> Bool {
        self.liveness.tick(self.configuration, nowMilliseconds: nowMilliseconds)
    }
}

/// A bound on how often something may happen: so many at once, so many a second after that.
struct RateBucket: Sendable {
    private let burst: UInt64
    private let perSecond: UInt64
    /// What may still happen, in thousandths.
    private var level: UInt64
    private var lastMilliseconds: UInt64

    init(burst: Int, perSecond: Int, nowMilliseconds: UInt64) {
        self.burst = UInt64(burst)
        self.perSecond = UInt64(perSecond)
        self.level = self.burst * 1000
        self.lastMilliseconds = nowMilliseconds
    }

    /// Counts one; false when it is one too many.
    mutating func take(nowMilliseconds: UInt64) -> Bool {
        let elapsed = min(nowMilliseconds &- self.lastMilliseconds, 1_000_000)
        self.lastMilliseconds = nowMilliseconds
        self.level = min(self.level + elapsed * self.perSecond, self.burst * 1000)
        guard self.level >= 1000 else { return false }
        self.level -= 1000
        return true
    }
}
