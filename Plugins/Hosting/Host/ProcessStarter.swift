import Glibc
import Launching
import Libuv
import Policy
import Synchronization

/// The users of jailed processes, shared by all workers of a host.
final class SlotPool: Sendable {
    private let slots = Mutex(UserSlots())

    func take() -> UserSlot? { self.slots.withLock { $0.take() } }
    func release(_ slot: UserSlot) { self.slots.withLock { $0.release(slot) } }
}

/// Starts the processes of one worker.
struct ProcessStarter: Sendable {
    /// How often a program that is "busy" is tried again, and after how many milliseconds.
    private static let busy = (tries: 50, milliseconds: UInt64(20))

    let loop: EventLoop
    let launcher: any Launcher
    let slots: SlotPool
    let deployment: WorkerDeployment

    /// Starts a resident process with the channel on descriptor 3.
    func launchResident() async throws(LaunchError) -> LaunchedProcess {
        try await self.launch(self.deployment.manifest.entry) { (plan) throws(FieldProblem) in
            plan.wantsControl = true
            try plan.environment.set("DSMP_CHANNEL", to: "3")
        }
    }

    /// Starts a process for one call: standard input and output are pipes, standard error is the log.
    ///
    /// - Parameter arguments: the method's own; empty takes the worker's entry.
    /// - Returns: the running process.
    /// - Throws: why it was not started.
    func launchExec(_ arguments: [String]) async throws(LaunchError) -> LaunchedProcess {
        let arguments = arguments.isEmpty ? self.deployment.manifest.entry : arguments
        return try await self.launch(arguments) { (plan) throws(FieldProblem) in
            plan.input = .pipe
            plan.output = .pipe
        }
    }

    private func launch(
        _ arguments: [String], _ adjust: (inout LaunchPlan) throws(FieldProblem) -> Void
    ) async throws(LaunchError) -> LaunchedProcess {
        guard let slot = self.slots.take() else {
            throw .invalidPlan(reason: "all users for jailed processes are taken; stop a worker first")
        }
        do throws(LaunchError) {
            let program = arguments.first ?? ""
            var plan = LaunchPlan(
                name: self.deployment.manifest.name, program: program.hasPrefix("/") ? program : "/worker/" + program,
                arguments: arguments, policy: self.deployment.policy, slot: slot)
            plan.releaseFolder = self.deployment.releaseFolder
            plan.workingDirectory = JailLayout.release
            do throws(FieldProblem) { try adjust(&plan) } catch { throw .invalidPlan(reason: "\(error)") }
            let process = try await self.launch(plan)
            let slots = self.slots
            Task {
                _ = await process.exitStatus()
                slots.release(slot)
            }
            return process
        } catch {
            self.slots.release(slot)
            throw error
        }
    }

    /// Launches, and tries again while the program counts as open for writing (ETXTBSY): any process that this one forked
    /// while the program was installed holds the descriptor until it executes its own program.
    private func launch(_ plan: LaunchPlan) async throws(LaunchError) -> LaunchedProcess {
        for _ in 1..<Self.busy.tries {
            do throws(LaunchError) {
                return try await self.launcher.launch(plan)
            } catch {
                guard case .step(let failure) = error, failure.errno == ETXTBSY else { throw error }
            }
            do { try await self.loop.sleep(milliseconds: Self.busy.milliseconds) } catch { throw .cancelled }
        }
        return try await self.launcher.launch(plan)
    }
}
