import WorkerChannel

/// One call to the worker, as its handler sees it.
///
/// Messages keep their boundaries and their order. One task may receive while another sends; neither method may be called
/// by two tasks at once. When the caller gives up or the deadline passes, the handler's task is cancelled and both
/// methods throw ``CallError/Code/cancelled`` or ``CallError/Code/deadlineExceeded``.
public final class Call: Sendable {
    /// The method that was called.
    public let method: String
    /// Milliseconds that the caller allowed when the call began; 0 means that it set none. The agent keeps the time and
    /// cancels the call.
    public let deadlineMilliseconds: UInt32
    /// The caller's peer id in its binary form; empty for a caller on the same machine.
    public let caller: [UInt8]
    /// Equal for all attempts of one call; empty when the caller gave none.
    public let idempotencyKey: [UInt8]
    /// W3C trace context; empty when the caller gave none.
    public let traceParent: String
    /// 1 for the first attempt.
    public let attempt: UInt32

    private let runtime: ChannelRuntime
    private let id: UInt32
    private let serial: UInt64

    init(runtime: ChannelRuntime, id: UInt32, serial: UInt64, opening: ChannelOpening) {
        self.runtime = runtime
        self.id = id
        self.serial = serial
        self.method = opening.method
        self.deadlineMilliseconds = opening.deadlineMilliseconds
        self.caller = opening.caller
        self.idempotencyKey = opening.idempotencyKey
        self.traceParent = opening.traceParent
        self.attempt = opening.attempt
    }

    /// The caller's next message; nil when it has sent its last one.
    ///
    /// Receiving is what lets the caller send more: a handler that does not receive makes its caller wait.
    public func receive() async throws(CallError) -> [UInt8]? {
        while true {
            switch self.runtime.take(self.id, self.serial) {
            case .message(let message): return message
            case .finished: return nil
            case .failed(let error): throw error
            case .nothing:
                await withCheckedContinuation { self.runtime.waitToReceive(self.id, self.serial, $0) }
            }
        }
    }

    /// Everything that the caller sends, as one array.
    ///
    /// - Parameter limit: bytes beyond which the call fails with ``CallError/Code/invalidArgument``.
    /// - Returns: the messages, joined.
    /// - Throws: ``CallError`` when the input is too long or the call was cancelled.
    public func receiveAll(limit: Int) async throws(CallError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let message = try await self.receive() {
            guard bytes.count + message.count <= limit else {
                throw CallError(.invalidArgument, "the input has more than \(limit) bytes; send less")
            }
            bytes.append(contentsOf: message)
        }
        return bytes
    }

    /// Sends one message to the caller and returns when the next one may be sent.
    ///
    /// - Parameter message: at most 1,048,576 bytes; may be empty.
    /// - Throws: ``CallError`` when the call was cancelled.
    public func send(_ message: [UInt8]) async throws(CallError) {
        guard message.count <= ChannelLimits.messageBytes else {
            throw CallError(.internal, "a message has \(message.count) bytes, more than \(ChannelLimits.messageBytes)")
        }
        while try !self.runtime.send(message, self.id, self.serial) {
            await withCheckedContinuation { self.runtime.waitToSend(self.id, self.serial, $0) }
        }
    }

    /// Whether the caller gave up or the deadline passed. For handlers that compute for long without receiving or sending.
    public var isCancelled: Bool { self.runtime.isCancelled(self.id, self.serial) }
}
