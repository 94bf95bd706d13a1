import Synchronization
import WorkerChannel

/// What a ``Call`` asks of the runtime, from any thread.
extension ChannelRuntime {
    enum Taken {
        case message([UInt8])
        case finished
        case failed(CallError)
        case nothing
    }

    private static let over = CallError(.internal, "the call is over; its handler has returned")

    /// The next message of a call, or why there is none.
    func take(_ id: UInt32, _ serial: UInt64) -> Taken {
        let (taken, hasOutput) = self.state.withLock { state -> (Taken, Bool) in
            guard let call = state.calls[id], call.serial == serial else { return (.failed(Self.over), false) }
            if let error = call.cancellation { return (.failed(error), false) }
            guard call.taken < call.messages.count else { return (call.isInputFinished ? .finished : .nothing, false) }
            let message = call.messages[call.taken]
            if call.taken + 1 == call.messages.count {
                state.calls[id]?.messages.removeAll(keepingCapacity: true)
                state.calls[id]?.taken = 0
            } else {
                state.calls[id]?.messages[call.taken] = []
                state.calls[id]?.taken += 1
            }
            state.channel.consumed(message.count, in: id)
            return (.message(message), !state.channel.output.isEmpty)
        }
        if hasOutput { self.wakeUnlessCurrent() }
        return taken
    }

    func waitToReceive(_ id: UInt32, _ serial: UInt64, _ continuation: CheckedContinuation<Void, Never>) {
        let isWaiting = self.state.withLock { state in
            guard let call = state.calls[id], call.serial == serial, call.cancellation == nil,
                call.taken == call.messages.count, !call.isInputFinished
            else { return false }
            precondition(call.receiver == nil, "one task at a time receives from a call")
            state.calls[id]?.receiver = continuation
            return true
        }
        if !isWaiting { continuation.resume() }
    }

    /// Sends a message.
    ///
    /// - Returns: false when the caller is behind: wait and try again.
    func send(_ message: [UInt8], _ id: UInt32, _ serial: UInt64) throws(CallError) -> Bool {
        let result = self.state.withLock { state -> Result<Bool, CallError> in
            guard let call = state.calls[id], call.serial == serial else { return .failure(Self.over) }
            if let error = call.cancellation { return .failure(error) }
            guard state.channel.canSend(id) else { return .success(false) }
            state.channel.send(message, in: id)
            return .success(true)
        }
        self.wakeUnlessCurrent()
        return try result.get()
    }

    func waitToSend(_ id: UInt32, _ serial: UInt64, _ continuation: CheckedContinuation<Void, Never>) {
        let isWaiting = self.state.withLock { state in
            guard let call = state.calls[id], call.serial == serial, call.cancellation == nil,
                !state.channel.canSend(id)
            else { return false }
            precondition(call.sender == nil, "one task at a time sends to a call")
            state.calls[id]?.sender = continuation
            return true
        }
        if !isWaiting { continuation.resume() }
    }

    func isCancelled(_ id: UInt32, _ serial: UInt64) -> Bool {
        self.state.withLock { state in
            guard let call = state.calls[id], call.serial == serial else { return true }
            return call.cancellation != nil
        }
    }
}
