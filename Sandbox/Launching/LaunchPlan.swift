package import Policy

/// Everything needed to start one process in a jail. The policy part is compiled once; the rest differs per start.
package struct LaunchPlan: Sendable {
    /// Where the worker's standard input comes from.
    package enum Input: Sendable, Hashable {
        /// Ends at once (/dev/null).
        case nothing
        /// A pipe; its other end is ``LaunchedProcess/takeInput()``.
        case pipe
        /// A descriptor of the caller, who keeps it: the jail gets a duplicate. It stays open until `launch` returns.
        case descriptor(Int32)
    }

    /// Where standard output or standard error goes.
    package enum Output: Sendable, Hashable {
        /// The pipe ``LaunchedProcess/takeLog()``.
        case log
        /// A pipe of its own; its other end is ``LaunchedProcess/takeOutput()``. Only for standard output.
        case pipe
        /// A descriptor of the caller, as in ``Input/descriptor(_:)``.
        case descriptor(Int32)
    }

    /// Names the process in messages and its cgroup: 1 to 63 of `a-z 0-9 -`.
    package var name: String
    /// Absolute path inside the jail, such as `/worker/bin/serve` or `/usr/bin/python3`.
    package var program: String
    /// The whole argument vector; the first is conventionally the program's name.
    package var arguments: [String]
    /// Names and values beyond the ones that every worker has.
    package var environment = WorkerEnvironment()
    /// Absolute path inside the jail.
    package var workingDirectory = "/tmp"
    /// Absolute host path of the worker's release, shown read-only at /worker; `nil` shows none.
    package var releaseFolder: String?
    /// Compiled once by ``PolicyCompiler``.
    package var policy: CompiledPolicy
    /// The user that the worker is on the host when the agent is root; no two live workers share one.
    package var slot: UserSlot
    /// Whether the worker has a stream socket to the agent as descriptor 3.
    package var wantsControl = false
    package var input = Input.nothing
    package var output = Output.log
    package var error = Output.log

    package init(name: String, program: String, arguments: [String], policy: CompiledPolicy, slot: UserSlot) {
        self.name = name
        self.program = program
        self.arguments = arguments
        self.policy = policy
        self.slot = slot
    }
}
