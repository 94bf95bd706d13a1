import CLibuv
import Glibc

/// A child process (`uv_process_t`). Loop thread only.
///
/// Every descriptor of this process is close-on-exec: the child has those that its description names, and no others.
/// Dropping the value neither ends nor orphans the child: it is still reaped when it exits.
@safe package final class ChildProcess: LoopHandle {
    /// How a process ended.
    package enum ExitStatus: Sendable, Hashable {
        case exited(code: Int32)
        case signalled(number: Int32)
    }

    /// What one descriptor number of the child is.
    package enum Descriptor: Sendable, Hashable {
        /// `/dev/null` for 0 to 2, closed above.
        case null
        /// A duplicate of a descriptor of this process, which keeps its own.
        case duplicate(Int32)
    }

    /// What to run.
    package struct Description: Sendable {
        /// A path, or a name that is looked up in `PATH`.
        package var program: String
        /// Without the program's own name, which is put in front.
        package var arguments: [String]
        /// `NAME=VALUE` each; nil hands on this process's own.
        package var environment: [String]?
        /// Nil for this process's own.
        package var workingDirectory: String?
        /// The child's descriptors from number 0 on.
        package var descriptors: [Descriptor]
        /// Whether the child leads a session of its own (`setsid`), so that signals from a terminal do not reach it.
        package var isSessionLeader: Bool

        package init(
            program: String, arguments: [String] = [], environment: [String]? = nil, workingDirectory: String? = nil,
            descriptors: [Descriptor] = [.null, .null, .null], isSessionLeader: Bool = false
        ) {
            self.program = program
            self.arguments = arguments
            self.environment = environment
            self.workingDirectory = workingDirectory
            self.descriptors = descriptors
            self.isSessionLeader = isSessionLeader
        }
    }

    /// The process id; that of a reaped process may belong to another one.
    package private(set) var processID: Int32 = 0
    /// Nil while it runs.
    package private(set) var exitStatusIfKnown: ExitStatus?
    private let program: String
    private var exitWaiters: [LoopContinuation<Result<ExitStatus, LibuvError>>] = []

    /// Starts a program (`uv_spawn`); returns after `exec` has succeeded or failed.
    ///
    /// - Throws: `ENOENT` when the program or the folder does not exist, `EACCES` when it may not be executed.
    package init(_ description: Description, on loop: EventLoop) throws(LibuvError) {
        let operation = "start \(description.program)"
        let texts = [description.program, description.workingDirectory ?? ""] + description.arguments
        guard !(texts + (description.environment ?? [])).contains(where: { $0.utf8.contains(0) }) else {
            throw LibuvError(.invalidArgument, operation)
        }
        self.program = description.program
        var status: Int32 = 0
        unsafe try super.init(on: loop, UV_PROCESS, for: operation) { loop, memory in
            // A failed spawn leaves an initialised handle, which is closed below like any other.
            status = unsafe Self.spawn(description, loop, memory.assumingMemoryBound(to: uv_process_t.self))
            return 0
        }
        guard status == 0 else { throw LibuvError(status: status, operation) }
        self.core.closesWithOwner = false
        if let handle = unsafe self.pointer(as: uv_process_t.self) { self.processID = unsafe handle.pointee.pid }
    }

    /// Waits for the end of the process.
    ///
    /// - Throws: `ECANCELED` when the handle is closed or the loop stops first; the process may then still run.
    package func exitStatus() async throws(LibuvError) -> ExitStatus {
        self.loop.preconditionIsCurrent()
        if let status = self.exitStatusIfKnown { return status }
        return try await self.loop.suspend {
            (continuation: LoopContinuation<Result<ExitStatus, LibuvError>>) in
            if self.isOpen {
                self.exitWaiters.append(continuation)
            } else {
                continuation.resume(returning: self.outcome)
            }
        }.get()
    }

    /// Sends a signal (`uv_process_kill`).
    ///
    /// - Throws: `ESRCH` when the process has ended: its id may belong to another one by now.
    package func kill(signal: Int32) throws(LibuvError) {
        self.loop.preconditionIsCurrent()
        let operation = "send signal \(signal) to \(self.program)"
        guard self.exitStatusIfKnown == nil, let handle = unsafe self.pointer(as: uv_process_t.self) else {
            throw LibuvError(.noSuchProcess, operation)
        }
        let status = unsafe uv_process_kill(handle, signal)
        guard status == 0 else { throw LibuvError(status: status, operation) }
    }

    /// What waiters get once the handle is closed.
    private var outcome: Result<ExitStatus, LibuvError> {
        if let status = self.exitStatusIfKnown { return .success(status) }
        return .failure(LibuvError(.cancelled, "wait for the end of \(self.program)"))
    }

    fileprivate func exited(_ status: ExitStatus) {
        self.exitStatusIfKnown = status
        self.close()
    }

    override func didClose() {
        let waiters = self.exitWaiters
        self.exitWaiters = []
        for waiter in waiters { waiter.resume(returning: self.outcome) }
    }

    /// Calls `uv_spawn` with C copies of the description, freed when it returns.
    private static func spawn(
        _ description: Description, _ loop: UnsafeMutablePointer<uv_loop_t>,
        _ handle: UnsafeMutablePointer<uv_process_t>
    ) -> Int32 {
        var arguments = unsafe ([description.program] + description.arguments).map { unsafe strdup($0) } + [nil]
        var environment = unsafe (description.environment ?? []).map { unsafe strdup($0) } + [nil]
        let folder = unsafe description.workingDirectory.map { unsafe strdup($0) }
        defer {
            unsafe (arguments + environment).forEach { unsafe free($0) }
            unsafe free(folder ?? nil)
        }
        var containers = unsafe description.descriptors.map { descriptor in
            var container = unsafe uv_stdio_container_t()
            switch descriptor {
            case .null: unsafe container.flags = UV_IGNORE
            case .duplicate(let number):
                unsafe container.flags = UV_INHERIT_FD
                unsafe container.data.fd = number
            }
            return unsafe container
        }
        var options = unsafe uv_process_options_t()
        unsafe options.flags = description.isSessionLeader ? UInt32(UV_PROCESS_DETACHED.rawValue) : 0
        unsafe options.cwd = UnsafePointer(folder ?? nil)
        unsafe options.stdio_count = Int32(containers.count)
        unsafe options.exit_cb = { handle, code, signal in
            guard let handle = unsafe handle else { return }
            if let child = unsafe ChildProcess.owner(of: handle) {
                child.exited(
                    signal != 0 ? .signalled(number: signal) : .exited(code: Int32(truncatingIfNeeded: code)))
            } else {
                unsafe HandleCore.of(UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self))?.close()
            }
        }
        return unsafe arguments.withUnsafeMutableBufferPointer { arguments in
            unsafe environment.withUnsafeMutableBufferPointer { environment in
                unsafe containers.withUnsafeMutableBufferPointer { containers in
                    unsafe options.file = UnsafePointer(arguments[0])
                    unsafe options.args = arguments.baseAddress
                    unsafe options.env = description.environment == nil ? nil : environment.baseAddress
                    unsafe options.stdio = containers.baseAddress
                    return unsafe uv_spawn(loop, handle, &options)
                }
            }
        }
    }
}
