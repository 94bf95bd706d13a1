import Synchronization

/// What a task that waits in ``EventLoop/suspend(_:)`` is resumed with, exactly once, from any thread.
///
/// It exists before the task is suspended, so that nothing happens between registering it and waiting for it.
package final class LoopContinuation<Value: Sendable>: Sendable {
    private enum State {
        case pending
        case waiting(CheckedContinuation<Value, Never>)
        case resumed(Value)
        case finished
    }

    private let state = Mutex<State>(.pending)

    init() {}

    /// Resumes the task. A second time traps.
    package func resume(returning value: Value) {
        let waiter = self.state.withLock { state -> CheckedContinuation<Value, Never>? in
            switch state {
            case .pending:
                state = .resumed(value)
                return nil
            case .waiting(let waiter):
                state = .finished
                return waiter
            case .resumed, .finished: preconditionFailure("a task is resumed once")
            }
        }
        waiter?.resume(returning: value)
    }

    /// The value if it is there already.
    func takeValue() -> Value? {
        self.state.withLock { state in
            guard case .resumed(let value) = state else { return nil }
            state = .finished
            return value
        }
    }

    func attach(_ waiter: CheckedContinuation<Value, Never>) {
        let value = self.state.withLock { state -> Value? in
            if case .resumed(let value) = state {
                state = .finished
                return value
            }
            state = .waiting(waiter)
            return nil
        }
        if let value { waiter.resume(returning: value) }
    }
}

extension LoopContinuation<Void> {
    /// Resumes the task. A second time traps.
    package func resume() { self.resume(returning: ()) }
}
