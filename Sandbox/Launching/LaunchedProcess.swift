import CSeccomp
import Glibc
import Synchronization

/// A process in a jail. Owns its descriptors until they are taken; what was not taken is closed with this object. The
/// process is not ended with this object: call ``kill()``.
package final class LaunchedProcess: Sendable {
    /// Descriptors of the agent's side. -1 where there is none.
    package struct Descriptors: Sendable {
        /// Of the jail's first process: killing it ends every process of the jail.
        package var process: Int32 = -1
        /// A stream socket whose other end is the worker's descriptor 3.
        package var control: Int32 = -1
        /// The write end of the worker's standard input.
        package var input: Int32 = -1
        /// The read end of its standard output.
        package var output: Int32 = -1
        /// The read end of what it logs.
        package var log: Int32 = -1

        package init() {}
    }

    private struct State {
        var descriptors: Descriptors
        var report: ExitReport?
        var waiters: [CheckedContinuation<ExitReport, Never>] = []
    }

    /// The process id of the jail's first process, for messages. It may be reused after the end: act on ``kill()`` only.
    package let processID: Int32
    /// Whether the memory of all its processes together is bounded. Else, where there are no control groups, that of each
    /// process is bounded alone (Specs/sandbox.md, section 1).
    package let limitsWholeMemory: Bool
    private let state: Mutex<State>

    /// Takes ownership of the descriptors.
    package init(processID: Int32, descriptors: Descriptors, limitsWholeMemory: Bool = false) {
        self.processID = processID
        self.limitsWholeMemory = limitsWholeMemory
        self.state = Mutex(State(descriptors: descriptors))
    }

    deinit {
        self.state.withLock { state in
            let all = state.descriptors
            for descriptor in [all.process, all.control, all.input, all.output, all.log] where descriptor >= 0 {
                _ = Glibc.close(descriptor)
            }
        }
    }

    /// The agent's end of the control socket. The caller owns it; `nil` when there is none or it was taken.
    package func takeControl() -> Int32? { self.take(\.control) }
    /// The write end of standard input. The caller owns it.
    package func takeInput() -> Int32? { self.take(\.input) }
    /// The read end of standard output. The caller owns it.
    package func takeOutput() -> Int32? { self.take(\.output) }
    /// The read end of the log. The caller owns it.
    package func takeLog() -> Int32? { self.take(\.log) }

    private func take(_ path: WritableKeyPath<Descriptors, Int32>) -> Int32? {
        self.state.withLock { state in
            let descriptor = state.descriptors[keyPath: path]
            state.descriptors[keyPath: path] = -1
            return descriptor >= 0 ? descriptor : nil
        }
    }

    /// Waits for the end of the process. Any number of callers may wait; afterwards it returns at once.
    package func exitStatus() async -> ExitReport {
        await withCheckedContinuation { continuation in
            let report: ExitReport? = self.state.withLock { state in
                if state.report == nil { state.waiters.append(continuation) }
                return state.report
            }
            if let report { continuation.resume(returning: report) }
        }
    }

    /// How it ended, `nil` while it runs.
    package var report: ExitReport? { self.state.withLock { $0.report } }

    /// Called by the launcher when the process has ended and nothing of its jail is left. Further calls do nothing.
    package func finish(_ report: ExitReport) {
        let waiters = self.state.withLock { state -> [CheckedContinuation<ExitReport, Never>] in
            guard state.report == nil else { return [] }
            state.report = report
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: report) }
    }

    /// Ends every process of the jail now (SIGKILL to its first one, by pidfd). Does nothing after the end.
    package func kill() { self.signal(SIGKILL) }

    /// Asks the worker's program to end (SIGTERM), and ends the whole jail when it has not by the deadline.
    ///
    /// - Parameter deadlineMilliseconds: how long the worker has.
    /// - Returns: how it ended.
    package func terminate(deadlineMilliseconds: UInt64) async -> ExitReport {
        self.signal(SIGTERM)
        let deadline = Task {
            do { try await Task.sleep(for: .milliseconds(deadlineMilliseconds)) } catch { return }
            self.kill()
        }
        let report = await self.exitStatus()
        deadline.cancel()
        return report
    }

    /// Sends a signal to the jail's first process, which forwards it to the worker's program.
    package func signal(_ number: Int32) {
        self.state.withLock { state in
            guard state.report == nil, state.descriptors.process >= 0 else { return }
            // Fails only with ESRCH, when the process ended but was not reported yet.
            _ = dsmp_pidfd_signal(state.descriptors.process, number)
        }
    }
}
