import Glibc

/// Wall time in milliseconds since 1970, as records state it.
package struct AgentClock: Sendable {
    private let read: @Sendable () -> UInt64

    /// A clock of one's own, for tests.
    package init(_ read: @escaping @Sendable () -> UInt64) { self.read = read }

    /// The system's clock (`clock_gettime`).
    package static let system = AgentClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(0, time.tv_sec)) * 1_000 + UInt64(max(0, time.tv_nsec)) / 1_000_000
    }

    package var unixMilliseconds: UInt64 { self.read() }
}
