/// How a process ended and what it used.
package struct ExitReport: Sendable, Hashable {
    package enum Reason: Sendable, Hashable {
        /// The worker's program ended with this exit status, 0...255.
        case exited(code: Int32)
        /// A signal ended it. 31 (SIGSYS) means that the seccomp filter did.
        case signalled(Int32)
        /// The kernel ended it because the worker used more memory than its limit.
        case outOfMemory
        /// The helper was killed before it could report; the worker is gone too.
        case lost
    }

    package let reason: Reason
    /// Processor time in user mode of all its processes, in microseconds.
    package let userMicroseconds: UInt64
    /// Processor time in the kernel, in microseconds.
    package let systemMicroseconds: UInt64
    /// The most memory resident at once in one of its processes, in bytes.
    package let maximumResidentBytes: UInt64

    package init(
        reason: Reason, userMicroseconds: UInt64 = 0, systemMicroseconds: UInt64 = 0, maximumResidentBytes: UInt64 = 0
    ) {
        self.reason = reason
        self.userMicroseconds = userMicroseconds
        self.systemMicroseconds = systemMicroseconds
        self.maximumResidentBytes = maximumResidentBytes
    }
}

extension ExitReport.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .exited(let code): "exited with status \(code)"
        case .signalled(31): "ended by the sandbox: it made a forbidden system call (signal 31)"
        case .signalled(let signal): "ended by signal \(signal)"
        case .outOfMemory: "ended because it used more memory than its limit"
        case .lost: "ended together with its helper, which was killed"
        }
    }
}
