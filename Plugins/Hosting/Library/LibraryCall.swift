import Libuv
import Mesh
import WorkerABI

/// The caller's end of a call to a library worker. All state is in the session; this is the handle.
final class LibraryCall: CallExchange {
    private let session: LibrarySession
    private let id: dsmp_call

    init(session: LibrarySession, id: dsmp_call) {
        self.session = session
        self.id = id
    }

    /// A caller that lost interest without saying so still frees the worker.
    deinit { self.session.abandon(self.id) }

    func send(_ message: [UInt8]) async throws(CallFailure) { try await self.session.send(message, in: self.id) }
    func finishSending() async throws(CallFailure) { try await self.session.finishSending(self.id) }
    func receive() async throws(CallFailure) -> [UInt8]? { try await self.session.receive(self.id) }
    func cancel() { self.session.cancel(self.id) }
}

/// The four verbs of ``CallExchange``, for ``LibraryCall``.
extension LibrarySession {
    func send(_ message: [UInt8], in id: dsmp_call) async throws(CallFailure) {
        guard message.count <= CallLimits.messageBytes else {
            throw CallFailure(
                .invalidArgument,
                "the message has \(message.count) bytes, more than \(CallLimits.messageBytes); send several")
        }
        guard try await self.waitForRoom(id) else { return }
        self.deliver(message, to: id)
        _ = try await self.waitForRoom(id)
    }

    func finishSending(_ id: dsmp_call) async throws(CallFailure) {
        _ = self.calls.withCall(id) { $0.mailbox.finishInput() }
        if case .failed(let failure) = self.end(id) { throw failure }
        self.finishInput(id)
    }

    func receive(_ id: dsmp_call) async throws(CallFailure) -> [UInt8]? {
        while true {
            guard let delivery = self.calls.withCall(id, { $0.mailbox.pop() }) else { return nil }
            switch delivery {
            case .message(let message):
                self.calls.taken(id, message.count)
                return message
            case .end(.ok): return nil
            case .end(.failed(let failure)): throw failure
            case .nothing:
                await withTaskCancellationHandler {
                    await withCheckedContinuation { self.calls.waitForMessage(id, $0) }
                } onCancel: {
                    self.cancel(id)
                }
            }
        }
    }

    /// Ends the call, from any thread.
    nonisolated func cancel(_ id: dsmp_call) {
        // Never at once: the library must not be called inside one of its own functions.
        self.loop.perform { self.assumeIsolated { $0.cancelCall(id, .cancelled) } }
    }

    /// Forgets a call whose handle is gone, from any thread.
    nonisolated func abandon(_ id: dsmp_call) {
        guard self.calls.abandon(id) else { return }
        self.loop.perform { self.assumeIsolated { $0.cancelCall(id, .cancelled) } }
    }

    private func end(_ id: dsmp_call) -> CallMailbox.CallEnd? { self.calls.withCall(id) { $0.mailbox.end } ?? nil }

    /// Waits until the library has room for a message.
    ///
    /// - Returns: false when the call ended well and nobody wants the rest of the input.
    private func waitForRoom(_ id: dsmp_call) async throws(CallFailure) -> Bool {
        while true {
            guard
                let (end, isFull) = self.calls.withCall(
                    id, { ($0.mailbox.end, $0.unconsumedBytes > LibraryCalls.windowBytes) })
            else { return false }
            switch end {
            case .failed(let failure): throw failure
            case .ok: return false
            case nil: if !isFull { return true }
            }
            await withTaskCancellationHandler {
                await withCheckedContinuation { self.calls.waitForRoom(id, $0) }
            } onCancel: {
                self.cancel(id)
            }
        }
    }
}
