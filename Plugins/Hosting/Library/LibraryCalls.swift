import Libuv
import Mesh
import Synchronization
import WorkerABI

/// The calls of one library worker, as the library's threads and the loop both see them.
///
/// The functions marked [any] in dsmp_worker.h end up here, from any thread; hence the lock. Nothing of the library is
/// called inside it.
final class LibraryCalls: Sendable {
    struct Call {
        var mailbox = CallMailbox()
        /// The library's own pointer for the call, as a number: it is only ever handed back.
        var callData: UInt = 0
        /// Bytes of output that the caller has not taken, overhead included.
        var waitingBytes = 0
        /// Bytes of input that the library has not used up, overhead included.
        var unconsumedBytes = 0
        var owesWritable = false
        /// The worker ended the call; `on_close` is due.
        var isEnded = false
        var isCancelled = false
        /// `on_close` was called: the library has forgotten the call.
        var isClosed = false
        /// The caller's handle is gone.
        var isAbandoned = false
    }

    private struct State {
        var calls: [dsmp_call: Call] = [:]
        /// Calls whose `on_close` is due, in the order of their ends.
        var closing: [dsmp_call] = []
        /// Calls whose `on_writable` is due.
        var writable: [dsmp_call] = []
        var isDutyScheduled = false
        /// Calls that the library knows.
        var openCount = 0
    }

    /// Bytes of output and of input that may wait in each call (Specs/worker-abi.md, section 4).
    static let windowBytes = 262_144
    /// Bytes of output beyond which `send` refuses.
    static let outputLimitBytes = 1_310_720
    static let overheadBytes = 16

    private let state = Mutex(State())
    let loop: EventLoop
    /// Whether the session is inside a function of the library.
    // Safety: used on the loop's thread only.
    nonisolated(unsafe) var isServing = false
    /// Calls `on_close` and `on_writable` where due. Set once, before the first call; runs on the loop.
    let onDuty: @Sendable () -> Void

    init(on loop: EventLoop, onDuty: @escaping @Sendable () -> Void) {
        self.loop = loop
        self.onDuty = onDuty
    }

    /// Calls that the library knows.
    var openCount: Int { self.state.withLock { $0.openCount } }
    var ids: [dsmp_call] { self.state.withLock { $0.calls.keys.sorted() } }

    func add(_ id: dsmp_call) {
        self.state.withLock { state in
            state.calls[id] = Call()
            state.openCount += 1
        }
    }

    /// The library has forgotten the call; what it sent stays until the caller took it.
    func close(_ id: dsmp_call) {
        self.state.withLock { state in
            guard let call = state.calls[id], !call.isClosed else { return }
            state.openCount -= 1
            if call.isAbandoned { state.calls.removeValue(forKey: id) } else { state.calls[id]?.isClosed = true }
        }
    }

    /// The caller's handle is gone.
    ///
    /// - Returns: whether the library still knows the call, so that it must be cancelled.
    func abandon(_ id: dsmp_call) -> Bool {
        self.state.withLock { state in
            guard let call = state.calls[id] else { return false }
            if call.isClosed { state.calls.removeValue(forKey: id) } else { state.calls[id]?.isAbandoned = true }
            return !call.isClosed
        }
    }

    /// Reads or changes a call; nil when there is no such call.
    func withCall<Result: Sendable>(_ id: dsmp_call, _ body: (inout Call) -> Result) -> Result? {
        self.state.withLock { state in
            guard state.calls[id] != nil else { return nil }
            return body(&state.calls[id, default: Call()])
        }
    }

    /// Resumes the continuation when the library has room for input, or the call has ended.
    func waitForRoom(_ id: dsmp_call, _ continuation: CheckedContinuation<Void, Never>) {
        let isWaiting = self.withCall(id) { call in
            guard call.unconsumedBytes > Self.windowBytes else { return false }
            call.mailbox.waitToSend(continuation)
            return true
        }
        if isWaiting != true { continuation.resume() }
    }

    /// Resumes the continuation when there is a message or an end to take.
    func waitForMessage(_ id: dsmp_call, _ continuation: CheckedContinuation<Void, Never>) {
        let isKnown: Void? = self.withCall(id) { $0.mailbox.waitToReceive(continuation) }
        if isKnown == nil { continuation.resume() }
    }

    /// Calls whose `on_close` or `on_writable` is due; the caller does it.
    func takeDuties() -> (writable: [dsmp_call], closing: [dsmp_call]) {
        self.state.withLock { state in
            defer {
                state.closing = []
                state.writable = []
                state.isDutyScheduled = false
            }
            return (state.writable, state.closing)
        }
    }

    // MARK: From the library, any thread

    func send(_ id: dsmp_call, _ message: [UInt8]) -> Int32 {
        guard message.count <= Int(DSMP_MESSAGE_BYTES) else { return Int32(DSMP_ERROR_TOO_LONG) }
        return self.state.withLock { state in
            guard let call = state.calls[id], !call.isEnded else { return Int32(DSMP_ERROR_ENDED) }
            guard !call.isCancelled else { return 0 }
            guard call.waitingBytes <= Self.outputLimitBytes else { return Int32(DSMP_ERROR_BUSY) }
            state.calls[id]?.mailbox.push(message)
            state.calls[id]?.waitingBytes += message.count + Self.overheadBytes
            guard call.waitingBytes + message.count + Self.overheadBytes > Self.windowBytes else { return 0 }
            state.calls[id]?.owesWritable = true
            return DSMP_FULL
        }
    }

    func end(_ id: dsmp_call, _ end: CallMailbox.CallEnd) {
        self.state.withLock { state in
            guard let call = state.calls[id], !call.isEnded else { return }
            state.calls[id]?.isEnded = true
            state.calls[id]?.mailbox.finish(end)
            state.closing.append(id)
            self.schedule(&state)
        }
    }

    func consumed(_ id: dsmp_call, _ byteCount: Int) {
        self.state.withLock { state in
            guard let call = state.calls[id] else { return }
            state.calls[id]?.unconsumedBytes = max(0, call.unconsumedBytes - byteCount - Self.overheadBytes)
            state.calls[id]?.mailbox.wakeSender()
        }
    }

    /// The caller took a message: makes room, and notes that the worker is to be told.
    func taken(_ id: dsmp_call, _ byteCount: Int) {
        self.state.withLock { state in
            guard let call = state.calls[id] else { return }
            let waiting = max(0, call.waitingBytes - byteCount - Self.overheadBytes)
            state.calls[id]?.waitingBytes = waiting
            guard call.owesWritable, waiting <= Self.windowBytes / 2 else { return }
            state.calls[id]?.owesWritable = false
            state.writable.append(id)
            self.schedule(&state)
        }
    }

    private func schedule(_ state: inout State) {
        // A session that is inside a function of the library looks for duties when the function returns.
        if self.loop.isCurrent, unsafe self.isServing { return }
        guard !state.isDutyScheduled else { return }
        state.isDutyScheduled = true
        self.loop.perform(self.onDuty)
    }
}
