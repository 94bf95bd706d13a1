import Libuv
import Mesh
import WorkerChannel

/// The four verbs of ``CallExchange``, for ``SubprocessCall``.
extension SubprocessSession {
    func send(_ message: [UInt8], in key: UInt64) async throws(CallFailure) {
        guard message.count <= CallLimits.messageBytes else {
            throw CallFailure(
                .invalidArgument,
                "the message has \(message.count) bytes, more than \(CallLimits.messageBytes); send several")
        }
        guard try await self.waitToSend(key), let channelCall = self.calls[key]?.channelCall else { return }
        self.channel.send(message, in: channelCall)
        if self.channel.output.count >= Self.outputBytes / 4 { self.flush() } else { self.scheduleFlush() }
        _ = try await self.waitToSend(key)
    }

    func finishSending(_ key: UInt64) async throws(CallFailure) {
        self.calls[key]?.mailbox.finishInput()
        guard try self.isSendable(key), let channelCall = self.calls[key]?.channelCall else { return }
        self.channel.finish(channelCall)
        self.scheduleFlush()
    }

    func receive(_ key: UInt64) async throws(CallFailure) -> [UInt8]? {
        while true {
            guard let delivery = self.calls[key]?.mailbox.pop() else { return nil }
            switch delivery {
            case .message(let message):
                if let channelCall = self.calls[key]?.channelCall {
                    self.channel.consumed(message.count, in: channelCall)
                    if !self.channel.output.isEmpty { self.scheduleFlush() }
                }
                return message
            case .end(.ok): return nil
            case .end(.failed(let failure)): throw failure
            case .nothing: await self.waitForMessage(key)
            }
        }
    }

    /// Ends the call, from any thread.
    nonisolated func cancel(_ key: UInt64) {
        if self.loop.isCurrent {
            self.assumeIsolated { $0.fail(key, .cancelled) }
        } else {
            self.loop.perform { self.assumeIsolated { $0.fail(key, .cancelled) } }
        }
    }

    /// Forgets a call whose handle is gone, from any thread.
    nonisolated func abandon(_ key: UInt64) {
        if self.loop.isCurrent {
            self.assumeIsolated { $0.forget(key) }
        } else {
            self.loop.perform { self.assumeIsolated { $0.forget(key) } }
        }
    }

    private func forget(_ key: UInt64) {
        self.fail(key, .cancelled)
        self.calls.removeValue(forKey: key)
        self.deadlines.forget(key)
    }

    /// Waits until a message may be sent.
    ///
    /// - Returns: false when the call ended well and nobody wants the rest of the input.
    private func waitToSend(_ key: UInt64) async throws(CallFailure) -> Bool {
        while try self.isSendable(key), let channelCall = self.calls[key]?.channelCall {
            if self.channel.output.count >= Self.outputBytes { self.flush() }
            // Either answer brings an event when it changes: the stream's, or the worker's credit.
            if self.stream?.isWritable == true, self.channel.canSend(channelCall) { return true }
            await self.waitForRoom(key)
        }
        return false
    }

    private func isSendable(_ key: UInt64) throws(CallFailure) -> Bool {
        switch self.calls[key]?.mailbox.end {
        case .failed(let failure): throw failure
        case .ok: return false
        case nil: return self.calls[key]?.channelCall != nil
        }
    }

    // A cancelled task cancels its call, which wakes it.

    private func waitForRoom(_ key: UInt64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isKnown: Void? = self.calls[key]?.mailbox.waitToSend(continuation)
                if isKnown == nil { continuation.resume() }
            }
        } onCancel: {
            self.cancel(key)
        }
    }

    private func waitForMessage(_ key: UInt64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isKnown: Void? = self.calls[key]?.mailbox.waitToReceive(continuation)
                if isKnown == nil { continuation.resume() }
            }
        } onCancel: {
            self.cancel(key)
        }
    }
}
