import Identity
import Libuv
import Mesh

/// A call to a worker of other agents that goes to another host when one fails and it is safe (Specs/call.md, section 8).
///
/// What was sent is kept, up to ``replayBytes``, until the first message of the answer: then the call can be sent again
/// in full. After that, or beyond, a lost host ends the call.
actor FailoverCall: CallExchange {
    /// The most input that is kept for another attempt, in bytes.
    static let replayBytes = 1_048_576
    /// The most hosts that are tried.
    static let maximumAttempts = 5
    /// How much longer than the deadline the caller waits for the host to say that it passed, in milliseconds.
    static let deadlineGraceMilliseconds: UInt64 = 1_000

    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    private let agent: Agent
    private let header: CallHeader
    private let startedMilliseconds: UInt64
    private var attempt: CallAttempt?
    /// Counts attempts, so that news of an earlier one is recognised.
    private var generation = 0
    private var tried: [PeerID] = []
    /// Nil once the call cannot be sent again.
    private var replay: [[UInt8]]? = []
    private var replayByteCount = 0
    private var isInputFinished = false
    private var isRecovering = false
    private var isReplaying = false
    private var hasReadSlot = false
    private let isFailed = Flag()
    private var waiters: [LoopContinuation<Void>] = []
    private var timer: LoopTimer?
    /// Why the call ended by this side's will.
    private var verdict: CallFailure?

    init(_ header: CallHeader, by agent: Agent) {
        self.header = header
        self.agent = agent
        self.loop = agent.loop
        self.startedMilliseconds = MonotonicClock.nowMilliseconds
    }

    isolated deinit { self.timer?.close() }

    /// Makes the first attempt.
    ///
    /// - Throws: the last failure when no host takes the call.
    func open() async throws(CallFailure) {
        if self.header.deadlineMilliseconds > 0 {
            self.timer = try? LoopTimer(on: self.loop)
            let delay = UInt64(self.header.deadlineMilliseconds) + Self.deadlineGraceMilliseconds
            self.timer?.start(afterMilliseconds: delay) { [weak self] in
                self?.assumeIsolated { $0.end(.init(.deadlineExceeded, "the deadline of the call passed")) }
            }
        }
        try await self.advance(after: nil)
    }

    func send(_ message: [UInt8]) async throws(CallFailure) {
        while self.isRecovering || self.isReplaying { await self.wait { self.isRecovering || self.isReplaying } }
        if let verdict = self.verdict { throw verdict }
        guard let attempt = self.attempt else { throw .cancelled }
        self.keep(message)
        let generation = self.generation
        do throws(CallFailure) {
            try await attempt.exchange.send(message)
        } catch {
            try await self.recover(from: error, generation)
        }
    }

    func finishSending() async throws(CallFailure) {
        while self.isRecovering || self.isReplaying { await self.wait { self.isRecovering || self.isReplaying } }
        self.isInputFinished = true
        if let verdict = self.verdict { throw verdict }
        guard let attempt = self.attempt else { throw .cancelled }
        let generation = self.generation
        do throws(CallFailure) {
            try await attempt.exchange.finishSending()
        } catch {
            try await self.recover(from: error, generation)
        }
    }

    func receive() async throws(CallFailure) -> [UInt8]? {
        while true {
            while self.isRecovering { await self.wait { self.isRecovering } }
            if let verdict = self.verdict { throw verdict }
            guard let attempt = self.attempt else { throw .cancelled }
            let generation = self.generation
            do throws(CallFailure) {
                let message = try await attempt.exchange.receive()
                self.replay = nil  // The caller has seen output: from here on the call cannot be repeated unnoticed.
                await attempt.report(nil, to: self.agent)
                if message == nil { self.timer?.close() }
                return message
            } catch {
                try await self.recover(from: error, generation)
            }
        }
    }

    nonisolated func cancel() {
        self.loop.perform { self.assumeIsolated { $0.end(.cancelled) } }
    }

    // MARK: Attempts

    private func end(_ failure: CallFailure) {
        guard self.verdict == nil else { return }
        self.verdict = failure
        self.timer?.close()
        self.attempt?.exchange.cancel()
        self.wake()
    }

    /// Goes to the next host, or throws when that is not safe or there is none. News of an earlier attempt is ignored:
    /// what it sent was sent again.
    private func recover(from failure: CallFailure, _ generation: Int) async throws(CallFailure) {
        if let verdict = self.verdict { throw verdict }
        guard generation == self.generation else { return }
        guard !self.isRecovering else {
            while self.isRecovering { await self.wait { self.isRecovering } }
            if let verdict = self.verdict { throw verdict }
            return
        }
        await self.attempt?.report(failure, to: self.agent)
        guard failure.mayRetryElsewhere, self.replay != nil, self.generation < Self.maximumAttempts else {
            await self.onFailed()
            throw failure
        }
        do throws(CallFailure) {
            try await self.advance(after: failure)
        } catch {
            await self.onFailed()
            throw error
        }
    }

    private func onFailed() async {
        self.timer?.close()
        if self.isFailed.set() { await self.agent.onCallFailed() }
    }

    private func advance(after failure: CallFailure?) async throws(CallFailure) {
        self.isRecovering = true
        defer {
            self.isRecovering = false
            self.wake()
        }
        if let host = self.attempt?.host { self.tried.append(host) }
        while true {
            if let verdict = self.verdict { throw verdict }
            // A member whose secret is old is told that there is no such worker: it looks into its slot, once.
            if failure?.code == .notFound, !self.hasReadSlot {
                self.hasReadSlot = true
                if await self.agent.renewSecret(of: self.header.worker) { self.tried = [] }
            }
            let header = try self.nextHeader()
            do throws(CallFailure) {
                let next = try await self.agent.nextAttempt(header, excluding: self.tried)
                self.begin(next, isFirst: failure == nil)
                return
            } catch {
                // That nobody is left says less than why the last one failed.
                guard let failure else { throw error }
                throw error.code == .unavailable || error.code == .notFound ? failure : error
            }
        }
    }

    private func begin(_ next: CallAttempt, isFirst: Bool) {
        if self.verdict != nil { next.exchange.cancel() }
        self.attempt = next
        self.generation += 1
        guard !isFirst, let replay = self.replay, !replay.isEmpty || self.isInputFinished else { return }
        // Beside receiving: a worker that answers while it reads would otherwise wait for us, and we for it.
        self.isReplaying = true
        let isFinished = self.isInputFinished
        Task(executorPreference: self.loop.taskExecutor) {
            do throws(CallFailure) {
                for message in replay { try await next.exchange.send(message) }
                if isFinished { try await next.exchange.finishSending() }
            } catch {
                // Receiving meets the same end and decides what follows.
            }
            await self.onReplayed()
        }
    }

    private func onReplayed() {
        self.isReplaying = false
        self.wake()
    }

    private func keep(_ message: [UInt8]) {
        guard self.replay != nil else { return }
        self.replayByteCount += message.count
        if self.replayByteCount > Self.replayBytes {
            self.replay = nil
        } else {
            self.replay?.append(message)
        }
    }

    /// The header of the next attempt: numbered, with what is left of the deadline.
    private func nextHeader() throws(CallFailure) -> CallHeader {
        var header = self.header
        header.attempt = UInt32(self.generation + 1)
        guard header.deadlineMilliseconds > 0 else { return header }
        let passed = MonotonicClock.nowMilliseconds - self.startedMilliseconds
        guard passed < UInt64(header.deadlineMilliseconds) else {
            throw CallFailure(.deadlineExceeded, "the deadline of the call passed")
        }
        header.deadlineMilliseconds -= UInt32(clamping: passed)
        return header
    }

    /// Waits for a change while a condition holds, which is looked at where the wait begins.
    private func wait(while condition: () -> Bool) async {
        await self.loop.suspend { continuation in
            if condition() { self.waiters.append(continuation) } else { continuation.resume() }
        }
    }

    private func wake() {
        let waiters = self.waiters
        self.waiters = []
        for waiter in waiters { waiter.resume() }
    }
}

/// One attempt of a call at one host.
final class CallAttempt: Sendable {
    let host: PeerID
    let exchange: any CallExchange
    private let startedNanoseconds: UInt64
    private let isReported = Flag()

    init(host: PeerID, exchange: any CallExchange) {
        self.host = host
        self.exchange = exchange
        self.startedNanoseconds = MonotonicClock.nowNanoseconds
    }

    /// Tells the selection of hosts how the attempt went, once.
    func report(_ failure: CallFailure?, to agent: Agent) async {
        guard self.isReported.set() else { return }
        let latency = (MonotonicClock.nowNanoseconds - self.startedNanoseconds) / 1_000
        await agent.onAttemptEnded(at: self.host, failure, latencyMicroseconds: latency)
    }
}
