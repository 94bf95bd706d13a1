import Mesh
import Synchronization

/// A worker that sends back what it gets, one message at a time: a message waits until it is taken.
final class Pipe: CallExchange {
    private struct State {
        var message: [UInt8]?
        var isFinished = false
        var isCancelled = false
        var sender: CheckedContinuation<Void, Never>?
        var receiver: CheckedContinuation<Void, Never>?
        var messageSizes: [Int] = []
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let onReceive: @Sendable (Int) -> Void

    /// - Parameter onReceive: told the bytes of each message that goes back.
    init(onReceive: @escaping @Sendable (Int) -> Void = { _ in }) {
        self.onReceive = onReceive
    }

    /// The sizes of all messages that came.
    var messageSizes: [Int] { self.state.withLock { $0.messageSizes } }
    var isFinished: Bool { self.state.withLock { $0.isFinished } }

    func send(_ message: [UInt8]) async throws(CallFailure) {
        let isCancelled = self.state.withLock { state in
            guard !state.isCancelled else { return true }
            state.message = message
            state.messageSizes.append(message.count)
            state.receiver?.resume()
            state.receiver = nil
            return false
        }
        if isCancelled { throw CallFailure(.cancelled, "cancelled") }
        await withCheckedContinuation { continuation in
            let mayGoOn = self.state.withLock { state in
                guard state.message != nil, !state.isCancelled else { return true }
                state.sender = continuation
                return false
            }
            if mayGoOn { continuation.resume() }
        }
    }

    func finishSending() async throws(CallFailure) {
        self.state.withLock { state in
            state.isFinished = true
            state.receiver?.resume()
            state.receiver = nil
        }
    }

    func receive() async throws(CallFailure) -> [UInt8]? {
        while true {
            enum Next { case message([UInt8]), end, cancelled, wait }
            let next: Next = self.state.withLock { state in
                if state.isCancelled { return .cancelled }
                if let message = state.message {
                    state.message = nil
                    state.sender?.resume()
                    state.sender = nil
                    return .message(message)
                }
                return state.isFinished ? .end : .wait
            }
            switch next {
            case .message(let message):
                self.onReceive(message.count)
                return message
            case .end: return nil
            case .cancelled: throw CallFailure(.cancelled, "cancelled")
            case .wait:
                await withCheckedContinuation { continuation in
                    let mayGoOn = self.state.withLock { state in
                        guard state.message == nil, !state.isFinished, !state.isCancelled else { return true }
                        state.receiver = continuation
                        return false
                    }
                    if mayGoOn { continuation.resume() }
                }
            }
        }
    }

    func cancel() {
        self.state.withLock { state in
            state.isCancelled = true
            state.sender?.resume()
            state.sender = nil
            state.receiver?.resume()
            state.receiver = nil
            for watcher in state.watchers { watcher.resume() }
            state.watchers = []
        }
    }

    /// Returns once the call was cancelled.
    func waitUntilCancelled() async {
        await withCheckedContinuation { continuation in
            let isCancelled = self.state.withLock { state in
                if !state.isCancelled { state.watchers.append(continuation) }
                return state.isCancelled
            }
            if isCancelled { continuation.resume() }
        }
    }
}

/// A worker that answers with given messages and then ends, whatever it is sent. Input beyond the end is dropped.
final class Script: CallExchange {
    private let remaining: Mutex<[[UInt8]]>
    private let failure: CallFailure?

    init(_ messages: [[UInt8]], endingWith failure: CallFailure? = nil) {
        self.remaining = Mutex(messages)
        self.failure = failure
    }

    func send(_ message: [UInt8]) async throws(CallFailure) {}
    func finishSending() async throws(CallFailure) {}
    func receive() async throws(CallFailure) -> [UInt8]? {
        let next = self.remaining.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if next == nil, let failure = self.failure { throw failure }
        return next
    }
    func cancel() {}
}
