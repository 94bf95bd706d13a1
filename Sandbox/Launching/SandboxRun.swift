import Glibc
package import Libuv
package import Policy

/// `dsmp sandbox run`: one program of the operator's in a jail, with this process's standard streams.
package struct SandboxRun: Sendable {
    /// What the command ends with.
    package struct Outcome: Sendable, Hashable {
        /// The program's own status, 128 and the signal's number, or 125 to 127 as for env(1).
        package let exitStatus: Int32
        /// JSON for standard error when no program ran: `step`, `errno`, `message`, `hint`.
        package let problem: String?
    }

    package var profile = SandboxProfile.strict
    /// `--bind` values: `DIR`, `DIR:rw` or `DIR:TARGET[:rw]`; relative ones are below ``currentFolder``.
    package var binds: [String] = []
    /// A name that is looked up in the jail's /usr/bin, or a path with a slash in it.
    package var program: String
    /// Without the program's own name.
    package var arguments: [String] = []
    /// The caller's working directory, absolute.
    package var currentFolder: String
    /// Kept out of the jail.
    package var protected: ProtectedPaths
    /// Path of `dsmp-jail`; nil means beside the running executable.
    package var helper: String?
    /// Standard input, output and error of the program.
    package var streams: (input: Int32, output: Int32, error: Int32) = (0, 1, 2)

    package init(program: String, currentFolder: String, protected: ProtectedPaths) {
        self.program = program
        self.currentFolder = currentFolder
        self.protected = protected
    }

    /// Runs the program to its end. Signals that ask this process to end are the program's: see `onStart`.
    ///
    /// - Parameters:
    ///   - loop: watches the jail.
    ///   - onStart: gets the process when it runs, to forward signals to it.
    /// - Returns: what the command ends with.
    package func run(on loop: EventLoop, onStart: @Sendable (LaunchedProcess) async -> Void = { _ in }) async -> Outcome
    {
        do {
            let plan = try self.plan()
            let launcher = JailLauncher(on: loop, helper: self.helper)
            let process = try await launcher.launch(plan)
            await onStart(process)
            let report = await process.exitStatus()
            await launcher.allEnded()
            switch report.reason {
            case .exited(let code): return Outcome(exitStatus: code, problem: nil)
            case .signalled(let number): return Outcome(exitStatus: 128 + number, problem: nil)
            case .outOfMemory, .lost: return Outcome(exitStatus: 128 + SIGKILL, problem: nil)
            }
        } catch {
            return Self.outcome(of: error)
        }
    }

    // MARK: Plan

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : self.currentFolder + "/" + path
    }

    private func plan() throws(LaunchError) -> LaunchPlan {
        var request = SandboxRequest()
        var grants = OperatorPolicy()
        request.profile = self.profile
        grants.everyWorker.profiles = [self.profile]
        for text in self.binds {
            let bind = try Self.checked { () throws(FieldProblem) in try BindMount(parsing: self.absolute(text)) }
            request.binds.append(bind)
        }
        let program = self.program.contains("/") ? try self.located() : "/usr/bin/\(self.program)"
        if !Self.isShown(program, request.binds) {
            // A program of one's own is shown itself; what it needs beside it is for `--bind`.
            try Self.checked { () throws(FieldProblem) in try JailLayout.checkBindTarget(program) }
            request.binds.append(BindMount(source: program, target: program, isWritable: false))
        }
        grants.everyWorker.binds = request.binds.map { GrantedPath(path: $0.source, isWritable: $0.isWritable) }
        let policy: EffectivePolicy
        do {
            policy = try grants.decide(request, worker: "sandbox-run", protected: self.protected)
        } catch {
            throw .invalidPlan(reason: "\(error)")
        }
        var plan = LaunchPlan(
            name: "sandbox-run", program: program, arguments: [self.program] + self.arguments,
            policy: try PolicyCompiler.compile(policy), slot: .ofCommand(processID: getpid()))
        plan.input = .descriptor(self.streams.input)
        plan.output = .descriptor(self.streams.output)
        plan.error = .descriptor(self.streams.error)
        if let folder = try? AbsolutePath.normalised(self.currentFolder), Self.isShown(folder, request.binds) {
            plan.workingDirectory = folder
        }
        return plan
    }

    private static func isShown(_ path: String, _ binds: [BindMount]) -> Bool {
        binds.contains { AbsolutePath.isInside(path, $0.target) }
            || (JailLayout.readOnly + JailLayout.links.map(\.path)).contains { AbsolutePath.isInside(path, $0) }
    }

    /// The program's real path on the host.
    private func located() throws(LaunchError) -> String {
        let path = self.absolute(self.program)
        guard let resolved = unsafe realpath(path, nil) else {
            throw .step(JailFailure(step: "program", errno: errno, detail: path))
        }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    private static func checked<Value>(_ body: () throws(FieldProblem) -> Value) throws(LaunchError) -> Value {
        do { return try body() } catch { throw .invalidPlan(reason: error.description) }
    }

    // MARK: Outcome

    private static func outcome(of error: LaunchError) -> Outcome {
        var step = "start"
        var number: Int32 = 0
        var hint = "run `dsmp doctor`"
        var status: Int32 = 125
        switch error {
        case .step(let failure):
            step = failure.step
            number = failure.errno
            hint = failure.advice
            if failure.concernsProgram { status = number == ENOENT ? 127 : 126 }
        case .agent(let call, let errno):
            step = call
            number = errno
        case .invalidPlan:
            step = "policy"
            hint = "change the command's options"
        case .helperMissing:
            step = "helper"
            number = ENOENT
        case .helperFailed, .cancelled: break
        }
        let json =
            "{\"step\":\(Self.quoted(step)),\"errno\":\(number),\"message\":\(Self.quoted(error.description)),"
            + "\"hint\":\(Self.quoted(hint))}"
        return Outcome(exitStatus: status, problem: json)
    }

    /// A JSON string.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
