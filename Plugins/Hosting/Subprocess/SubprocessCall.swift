import Libuv
import Mesh

/// The caller's end of a call to a resident subprocess. All state is in the session; this is the handle.
final class SubprocessCall: CallExchange {
    private let session: SubprocessSession
    private let key: UInt64

    init(session: SubprocessSession, key: UInt64) {
        self.session = session
        self.key = key
    }

    /// A caller that lost interest without saying so still frees the worker.
    deinit { self.session.abandon(self.key) }

    func send(_ message: [UInt8]) async throws(CallFailure) { try await self.session.send(message, in: self.key) }
    func finishSending() async throws(CallFailure) { try await self.session.finishSending(self.key) }
    func receive() async throws(CallFailure) -> [UInt8]? { try await self.session.receive(self.key) }
    func cancel() { self.session.cancel(self.key) }
}
