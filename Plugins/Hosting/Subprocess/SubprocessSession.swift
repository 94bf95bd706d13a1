import Identity
import Libuv
import Mesh
import WorkerChannel

/// The channel to one running subprocess and the calls on it (Specs/worker-channel.md).
///
/// Bound to the loop, so that a caller on the same loop reaches it without a hop. Frames of one turn of the loop leave
/// with one write.
actor SubprocessSession: CallCarrier {
    /// What the supervisor must know. Called on the loop's thread, never inside a call of the supervisor's own.
    enum Event: Sendable {
        case ready
        /// The worker closed the channel, most likely because it ended. Its calls wait for ``endCalls(_:)``.
        case closed
        /// The worker broke the rules; the process must end.
        case broken(reason: String)
    }

    struct Call {
        /// The id on the channel; nil once the worker has ended the call.
        var channelCall: UInt32?
        var mailbox = CallMailbox()
        var isIdempotent: Bool
    }

    /// Bytes that may wait for the socket before senders wait.
    static let outputBytes = 1_048_576
    /// Bytes queued for the worker beyond which nothing more is read from it.
    static let unreadBytes = 8_388_608
    /// The window that the host grants in each call, in bytes.
    static let windowBytes: UInt32 = 262_144

    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    var stream: PipeConnection?
    var channel: WorkerChannel
    var calls: [UInt64: Call] = [:]
    var keys: [UInt32: UInt64] = [:]
    private var nextKey: UInt64 = 1
    private var isFlushScheduled = false
    private var isReadingPaused = false
    var endReason: String?
    /// The worker closed the channel; how it ended comes later.
    private var isClosed = false
    let deadlines: DeadlineList<UInt64>
    let onEvent: @Sendable (Event) -> Void
    /// The loop's time when the worker last proved to be alive, in milliseconds.
    private(set) var lastSignMilliseconds: UInt64 = 0

    init(
        on loop: EventLoop, name: String, concurrency: Int, onEvent: @escaping @Sendable (Event) -> Void
    ) {
        self.loop = loop
        self.onEvent = onEvent
        self.deadlines = DeadlineList(on: loop)
        self.channel = WorkerChannel(
            role: .host, hello: ChannelHello(windowBytes: Self.windowBytes, calls: UInt32(concurrency), name: name))
    }

    isolated deinit {
        self.deadlines.close()
        self.stream?.close()
    }

    /// Takes over the agent's end of the channel, also when it throws, and greets the worker.
    func attach(_ descriptor: Int32) throws(LibuvError) {
        let stream = try PipeConnection(adopting: OwnedDescriptor(adopting: descriptor), on: self.loop)
        self.stream = stream
        self.lastSignMilliseconds = self.loop.nowMilliseconds
        self.deadlines.onExpiry { [weak self] key in self?.assumeIsolated { $0.expire(key) } }
        stream.start(
            onBytes: { [weak self] bytes in
                guard let self else { return }
                unsafe bytes.withUnsafeBytes { buffer in
                    // Safety: used during this call only, on the loop's thread, which is the actor's.
                    nonisolated(unsafe) let buffer = unsafe buffer
                    self.assumeIsolated { unsafe $0.onBytes(buffer.bytes) }
                }
            },
            onEvent: { [weak self] event in self?.assumeIsolated { $0.onStreamEvent(event) } })
        self.flush()
    }

    var activeCallCount: Int { self.channel.callCount }
    var isReady: Bool { self.channel.phase == .ready && self.endReason == nil && !self.isClosed }

    func open(_ order: CallOrder) throws(CallFailure) -> any CallExchange {
        guard self.isReady else {
            throw CallFailure(.unavailable, "the worker is not ready", mayRetryElsewhere: true)
        }
        guard self.channel.canOpen else {
            throw CallFailure(
                .resourceExhausted, "the worker has \(self.channel.callLimit) calls in progress, its limit; try later",
                mayRetryElsewhere: true, retryAfterMilliseconds: 100)
        }
        let header = order.header
        let channelCall = self.channel.open(
            ChannelOpening(
                method: header.method, deadlineMilliseconds: header.deadlineMilliseconds,
                caller: header.caller?.bytes ?? [], idempotencyKey: header.idempotencyKey,
                traceParent: header.traceParent, attempt: header.attempt))
        let key = self.nextKey
        self.nextKey += 1
        self.calls[key] = Call(channelCall: channelCall, isIdempotent: order.isIdempotent)
        self.keys[channelCall] = key
        self.deadlines.set(key, afterMilliseconds: header.deadlineMilliseconds)
        self.scheduleFlush()
        return SubprocessCall(session: self, key: key)
    }

    /// Ends a call at its deadline.
    private func expire(_ key: UInt64) {
        self.fail(key, CallFailure(.deadlineExceeded, "the call's deadline passed; allow more time or send less"))
    }

    /// Ends a call on this side and tells the worker.
    func fail(_ key: UInt64, _ failure: CallFailure) {
        guard let channelCall = self.calls[key]?.channelCall else { return }
        self.calls[key]?.channelCall = nil
        self.calls[key]?.mailbox.finish(.failed(failure), dropsMessages: true)
        self.keys.removeValue(forKey: channelCall)
        self.channel.cancel(channelCall, code: UInt16(truncatingIfNeeded: failure.code.rawValue))
        self.scheduleFlush()
    }

    func endCalls(_ reason: String) {
        guard self.endReason == nil else { return }
        self.endReason = reason
        self.deadlines.close()
        self.stream?.close()
        self.stream = nil
        self.keys = [:]
        for key in self.calls.keys.sorted() {
            guard let call = self.calls[key], call.channelCall != nil else { continue }
            self.calls[key]?.channelCall = nil
            self.calls[key]?.mailbox.finish(
                .failed(
                    .workerGone(reason, isIdempotent: call.isIdempotent, hasDelivered: call.mailbox.hasDelivered)))
        }
    }

    /// Asks the worker to finish its calls and leave.
    func requestStop() {
        self.channel.stop()
        self.flush()
    }

    /// Asks for a sign of life.
    func ping() {
        _ = self.channel.ping(self.loop.nowMilliseconds)
        self.flush()
    }

    /// Whether every place for a call is held by a call that was cancelled and does not end.
    var isClogged: Bool { self.keys.isEmpty && self.channel.callCount == self.channel.callLimit }

    // MARK: The socket

    private func onBytes(_ bytes: RawSpan) {
        self.lastSignMilliseconds = self.loop.nowMilliseconds
        var events: [WorkerChannel.Event] = []
        do throws(ChannelViolation) {
            try self.channel.receive(bytes, into: &events)
        } catch {
            for event in events { self.apply(event) }
            self.breakOff("the worker broke the channel's rules: \(error)")
            return
        }
        for event in events { self.apply(event) }
        if !self.channel.output.isEmpty { self.scheduleFlush() }
    }

    private func apply(_ event: WorkerChannel.Event) {
        switch event {
        case .ready: self.onEvent(.ready)
        case .message(let channelCall, let message):
            guard let key = self.keys[channelCall] else { return }
            self.calls[key]?.mailbox.push(message)
        case .ended(let channelCall, let end):
            guard let key = self.keys.removeValue(forKey: channelCall) else { return }
            self.calls[key]?.channelCall = nil
            self.calls[key]?.mailbox.finish(Self.mailboxEnd(end))
            self.deadlines.forget(key)
        case .writable(let channelCall):
            guard let key = self.keys[channelCall] else { return }
            self.calls[key]?.mailbox.wakeSender()
        case .connected, .ponged, .opened, .inputFinished, .cancelled, .stopping: break
        }
    }

    private static func mailboxEnd(_ end: ChannelEnd) -> CallMailbox.CallEnd {
        guard end.code != 0 else { return .ok }
        let code = CallStatus(rawValue: UInt32(end.code)) ?? .internal
        return .failed(CallFailure(code, end.text, mayRetryElsewhere: end.mayRetryElsewhere))
    }

    private func onStreamEvent(_ event: ByteStreamEvent) {
        switch event {
        case .writable:
            if self.isReadingPaused {
                self.isReadingPaused = false
                self.stream?.resumeReading()
            }
            for key in self.keys.values.sorted() { self.calls[key]?.mailbox.wakeSender() }
        case .finished, .failed:
            guard self.endReason == nil, !self.isClosed else { return }
            self.isClosed = true
            self.onEvent(.closed)
        }
    }

    private func breakOff(_ reason: String) {
        guard self.endReason == nil else { return }
        self.endCalls(reason)
        self.onEvent(.broken(reason: reason))
    }

    /// Writes what has gathered at the end of this turn of the loop.
    func scheduleFlush() {
        guard !self.isFlushScheduled else { return }
        self.isFlushScheduled = true
        self.loop.perform { [weak self] in self?.assumeIsolated { $0.flush() } }
    }

    func flush() {
        self.isFlushScheduled = false
        guard let stream = self.stream, !self.channel.output.isEmpty else { return }
        stream.write(self.channel.takeOutput())
        // Messages wait for room in the stream; only a worker that asks for answers (pings) and does not read them gets
        // here. It must not make this end buffer without bound.
        if stream.queuedByteCount > Self.unreadBytes, !self.isReadingPaused {
            self.isReadingPaused = true
            stream.pauseReading()
        }
    }
}
