/// The life of one process (or loaded library) of a worker, without I/O.
///
/// ```
/// created --start--> starting --ready--> ready --stop--> stopping --exited--> stopped
///                     ^    |               |
///                     |    +--- failure ---+--> backoff --timer--> starting
///                     |                              \--too often or for good--> failed
///                     +------------------- start --------------------- stopped, failed
/// ```
///
/// Carry out the effects in order. The shell keeps one timer; ``Effect/setTimer(afterMilliseconds:)`` replaces it.
package struct WorkerSupervisor: Sendable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        case created, starting, ready, backoff, stopping, stopped, failed
    }

    package enum Input: Sendable, Hashable {
        case start
        case stop
        /// The process runs. For a library: it is loaded.
        case launched
        /// It could not be started; `isFatal` when trying again would not help.
        case launchFailed(reason: String, isFatal: Bool)
        /// It takes calls.
        case ready
        /// It closed its channel; how it ended is about to be known.
        case channelClosed
        /// It does not behave: it must go.
        case unresponsive(reason: String)
        /// It is gone; `isFatal` when it said that starting it again would not help.
        case exited(reason: String, isFatal: Bool)
        case timerFired
    }

    package enum Effect: Sendable, Hashable {
        case launch
        /// Ask it to finish its calls and leave.
        case requestStop
        case kill
        case setTimer(afterMilliseconds: UInt64)
        case clearTimer
        /// Nothing of this run is left and none follows by itself.
        case settled
    }

    /// Times in milliseconds and counts.
    package struct Policy: Sendable, Hashable {
        /// From the order to launch until the process runs.
        package var launchMilliseconds: UInt64 = 60_000
        /// From then until it takes calls.
        package var readyMilliseconds: UInt64 = 10_000
        package var stopMilliseconds: UInt64 = 5_000
        /// The pause before the first restart; it doubles with each further one.
        package var firstBackoffMilliseconds: UInt64 = 250
        package var longestBackoffMilliseconds: UInt64 = 60_000
        /// A run that was ready for this long wipes out the failures before it.
        package var stableMilliseconds: UInt64 = 60_000
        /// Failures in a row after which it is given up.
        package var failureLimit = 10

        package init() {}
    }

    /// How long a process may take to end after it closed its channel.
    static let closedMilliseconds: UInt64 = 1_000

    package private(set) var state = State.created
    /// Failures since the last stable run or start by a person.
    package private(set) var failureCount = 0
    /// Launches after the first.
    package private(set) var restartCount = 0
    /// Why it is not ready, for people; empty when there is nothing to say.
    package private(set) var reason = ""
    private let policy: Policy
    private var isLaunched = false
    private var isChannelClosed = false
    private var wantsStart = false
    private var readySince: UInt64?
    /// Set when this end decided that the process must go, so that its exit is put down to this.
    private var verdict: String?

    package init(policy: Policy = Policy()) { self.policy = policy }

    /// Advances by one input.
    ///
    /// - Parameters:
    ///   - input: what happened.
    ///   - nowMilliseconds: monotonic time.
    ///   - randomness: any number, fresh for each call: spreads restarts by a quarter to either side.
    /// - Returns: what to do, in order.
    package mutating func step(_ input: Input, nowMilliseconds: UInt64, randomness: UInt64) -> [Effect] {
        switch (self.state, input) {
        case (.created, .start), (.stopped, .start), (.failed, .start), (.backoff, .start):
            if self.state != .created { self.restartCount += 1 }
            self.failureCount = 0
            return self.launch()
        case (.backoff, .timerFired):
            self.restartCount += 1
            return self.launch()
        case (.stopping, .start):
            self.wantsStart = true
            return []
        case (.starting, .launched):
            guard self.verdict == nil else { return [.kill] }
            self.isLaunched = true
            return [.setTimer(afterMilliseconds: self.policy.readyMilliseconds)]
        case (.starting, .ready):
            self.state = .ready
            self.reason = ""
            self.readySince = nowMilliseconds
            return [.clearTimer]
        case (.starting, .channelClosed), (.ready, .channelClosed):
            self.isChannelClosed = true
            return [.setTimer(afterMilliseconds: Self.closedMilliseconds)]
        case (.starting, .timerFired), (.ready, .timerFired):
            return self.condemn(self.lateness)
        case (.starting, .unresponsive(let reason)), (.ready, .unresponsive(let reason)):
            return self.condemn(reason)
        case (.starting, .launchFailed(let reason, let isFatal)), (.starting, .exited(let reason, let isFatal)),
            (.ready, .exited(let reason, let isFatal)):
            return self.fail(self.verdict ?? reason, isFatal, nowMilliseconds, randomness)
        case (.created, .stop), (.backoff, .stop), (.failed, .stop):
            self.state = .stopped
            return [.clearTimer, .settled]
        case (.starting, .stop), (.ready, .stop):
            self.state = .stopping
            return [.requestStop, .setTimer(afterMilliseconds: self.policy.stopMilliseconds)]
        case (.stopping, .stop):
            self.wantsStart = false
            return []
        case (.stopping, .launched): return [.requestStop]
        case (.stopping, .timerFired), (.stopping, .unresponsive): return [.kill]
        case (.stopping, .exited), (.stopping, .launchFailed): return self.finishStopping()
        default: return []
        }
    }

    private mutating func launch() -> [Effect] {
        self.state = .starting
        self.verdict = nil
        self.isLaunched = false
        self.isChannelClosed = false
        self.readySince = nil
        return [.launch, .setTimer(afterMilliseconds: self.policy.launchMilliseconds)]
    }

    /// What a timer that fired says about the process.
    private var lateness: String {
        if self.isChannelClosed { return "it closed its channel" }
        if !self.isLaunched { return "it could not be launched within \(self.policy.launchMilliseconds / 1_000) s" }
        return "it was not ready within \(self.policy.readyMilliseconds / 1_000) s"
    }

    /// Ends a process that runs; its exit decides what follows.
    private mutating func condemn(_ reason: String) -> [Effect] {
        guard self.verdict == nil else { return [] }
        self.verdict = reason
        self.reason = reason
        return [.clearTimer, .kill]
    }

    private mutating func fail(
        _ reason: String, _ isFatal: Bool, _ nowMilliseconds: UInt64, _ randomness: UInt64
    ) -> [Effect] {
        self.reason = reason
        if let readySince = self.readySince, nowMilliseconds &- readySince >= self.policy.stableMilliseconds {
            self.failureCount = 0
        }
        self.failureCount += 1
        guard !isFatal, self.failureCount < self.policy.failureLimit else {
            self.state = .failed
            return [.clearTimer, .settled]
        }
        self.state = .backoff
        return [.setTimer(afterMilliseconds: self.backoff(randomness))]
    }

    /// The first pause doubled for each failure in a row, bounded, and spread by a quarter to either side.
    private func backoff(_ randomness: UInt64) -> UInt64 {
        let doublings = min(self.failureCount - 1, 20)
        let pause = min(
            self.policy.longestBackoffMilliseconds, self.policy.firstBackoffMilliseconds << UInt64(doublings))
        return pause - pause / 4 + randomness % (pause / 2 + 1)
    }

    private mutating func finishStopping() -> [Effect] {
        self.reason = ""
        guard self.wantsStart else {
            self.state = .stopped
            return [.clearTimer, .settled]
        }
        self.wantsStart = false
        self.restartCount += 1
        self.failureCount = 0
        return self.launch()
    }
}
