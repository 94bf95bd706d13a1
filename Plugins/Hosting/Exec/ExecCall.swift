import Libuv
import Mesh

/// The caller's end of one process. All state is in the process's actor; this is the handle.
final class ExecCall: CallExchange {
    private let process: ExecProcess

    init(process: ExecProcess) { self.process = process }

    /// A caller that lost interest without saying so still ends the process.
    deinit { self.process.cancel() }

    func send(_ message: [UInt8]) async throws(CallFailure) { try await self.process.send(message) }
    func finishSending() async throws(CallFailure) { try await self.process.finishSending() }
    func receive() async throws(CallFailure) -> [UInt8]? { try await self.process.receive() }
    func cancel() { self.process.cancel() }
}

/// The four verbs of ``CallExchange``, for ``ExecCall``.
extension ExecProcess {
    func send(_ message: [UInt8]) async throws(CallFailure) {
        guard message.count <= CallLimits.messageBytes else {
            throw CallFailure(
                .invalidArgument,
                "the message has \(message.count) bytes, more than \(CallLimits.messageBytes); send several")
        }
        guard try await self.waitForRoom() else { return }
        self.input?.write(message)
        _ = try await self.waitForRoom()
    }

    func finishSending() async throws(CallFailure) {
        self.mailbox.finishInput()
        if case .failed(let failure) = self.mailbox.end { throw failure }
        self.closeInputWhenEmpty()
    }

    func receive() async throws(CallFailure) -> [UInt8]? {
        while true {
            switch self.mailbox.pop() {
            case .message(let message):
                self.taken(message.count)
                return message
            case .end(.ok): return nil
            case .end(.failed(let failure)): throw failure
            case .nothing:
                await withTaskCancellationHandler {
                    await withCheckedContinuation { self.mailbox.waitToReceive($0) }
                } onCancel: {
                    self.cancel()
                }
            }
        }
    }

    /// Ends the call and its process, from any thread.
    nonisolated func cancel() { self.loop.perform { self.assumeIsolated { $0.fail(.cancelled) } } }

    /// Waits until the program runs and took what was sent before.
    ///
    /// - Returns: false when nobody reads the rest of the input.
    private func waitForRoom() async throws(CallFailure) -> Bool {
        while true {
            switch self.mailbox.end {
            case .failed(let failure): throw failure
            case .ok: return false
            case nil: break
            }
            if self.isRunning {
                guard let input = self.input else { return false }
                if input.isWritable { return true }
                await self.waitForPipe(input)
                continue
            }
            await withTaskCancellationHandler {
                await withCheckedContinuation { self.mailbox.waitToSend($0) }
            } onCancel: {
                self.cancel()
            }
        }
    }

    private func waitForPipe(_ input: PipeConnection) async {
        await withTaskCancellationHandler {
            do throws(LibuvError) { try await input.waitUntilWritable() } catch { self.closeInput() }
        } onCancel: {
            self.cancel()
        }
    }
}
