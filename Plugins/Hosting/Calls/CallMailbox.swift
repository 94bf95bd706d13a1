import DequeModule
import Mesh

/// What the two tasks of one call wait for: the caller's end of a call of any kind of worker.
///
/// A value inside whatever isolates the call. Continuations are resumed by it, never inside a lock of the runtime's.
struct CallMailbox {
    /// Messages of the worker that the caller has not taken.
    private var messages = Deque<[UInt8]>()
    /// Set once; nil inside means that the call ended well.
    private(set) var end: CallEnd?
    private var receiver: CheckedContinuation<Void, Never>?
    private var sender: CheckedContinuation<Void, Never>?
    /// Whether a message was handed to the caller: then the call cannot be repeated unnoticed.
    private(set) var hasDelivered = false
    private(set) var isInputFinished = false

    enum CallEnd {
        case ok
        case failed(CallFailure)
    }

    /// What the caller gets now.
    enum Delivery {
        case message([UInt8])
        case end(CallEnd)
        case nothing
    }

    /// Whether nothing more can happen to the caller: it has seen the end, or there was a failure to see.
    var isDrained: Bool { self.end != nil && self.messages.isEmpty }

    mutating func push(_ message: [UInt8]) {
        guard self.end == nil else { return }
        self.messages.append(message)
        self.wakeReceiver()
    }

    mutating func pop() -> Delivery {
        if let message = self.messages.popFirst() {
            self.hasDelivered = true
            return .message(message)
        }
        return self.end.map { .end($0) } ?? .nothing
    }

    /// Ends the call for the caller. Later ends are ignored; messages that came before stay to be taken, unless
    /// `dropsMessages`.
    mutating func finish(_ end: CallEnd, dropsMessages: Bool = false) {
        guard self.end == nil else { return }
        self.end = end
        if dropsMessages { self.messages.removeAll() }
        self.wakeReceiver()
        self.wakeSender()
    }

    mutating func finishInput() {
        precondition(!self.isInputFinished, "the input of a call is finished once")
        self.isInputFinished = true
    }

    mutating func waitToReceive(_ continuation: CheckedContinuation<Void, Never>) {
        precondition(self.receiver == nil, "one task at a time receives from a call")
        guard self.messages.isEmpty, self.end == nil else {
            continuation.resume()
            return
        }
        self.receiver = continuation
    }

    mutating func waitToSend(_ continuation: CheckedContinuation<Void, Never>) {
        precondition(self.sender == nil, "one task at a time sends to a call")
        guard self.end == nil else {
            continuation.resume()
            return
        }
        self.sender = continuation
    }

    mutating func wakeSender() { self.sender.take()?.resume() }
    private mutating func wakeReceiver() { self.receiver.take()?.resume() }
}

extension CallFailure {
    /// The failure of a call whose worker went away.
    ///
    /// - Parameters:
    ///   - reason: what happened to the worker.
    ///   - isIdempotent: whether caller or worker said that doing it twice does no harm.
    ///   - hasDelivered: whether the caller has seen output already.
    /// - Returns: `unavailable`, to be tried elsewhere when that does no harm.
    static func workerGone(_ reason: String, isIdempotent: Bool, hasDelivered: Bool) -> CallFailure {
        CallFailure(
            .unavailable, "the worker ended during the call: \(reason)",
            mayRetryElsewhere: isIdempotent && !hasDelivered)
    }

    static let cancelled = CallFailure(.cancelled, "the caller cancelled the call")

    static func deadline(_ milliseconds: UInt32) -> CallFailure {
        CallFailure(
            .deadlineExceeded, "the call took longer than its deadline of \(milliseconds) ms; allow more or send less")
    }
}
