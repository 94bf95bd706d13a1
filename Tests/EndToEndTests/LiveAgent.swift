import ControlAPI
import ControlClient
import Foundation
import Glibc
import Synchronization
import TestKit
import Testing

/// One `dsmp agent run` process on loopback, killed with this value.
final class LiveAgent: Sendable {
    let data: String
    private let arguments: [String]
    /// Holds the log, and the data folder unless it is somebody else's.
    private let scratch: TemporaryFolder
    /// Keeps the data folder of the agent that this one continues.
    private let earlier: LiveAgent?
    private let process: Mutex<Process?>

    var client: ControlClient { ControlClient(dataFolder: self.data) }

    /// Starts an agent and returns when it is ready.
    ///
    /// - Parameters:
    ///   - data: its data folder; a new one without it.
    ///   - earlier: an agent that has ended, whose data folder it goes on with.
    ///   - bootstrap: agents to join the mesh through.
    ///   - more: further arguments.
    /// - Returns: the agent.
    /// - Throws: when it does not become ready.
    static func start(
        data: String? = nil, continuing earlier: LiveAgent? = nil, bootstrap: [LiveAgent] = [], more: [String] = []
    ) async throws -> LiveAgent {
        var arguments = ["--listen", "/ip4/127.0.0.1/tcp/0"] + more
        for other in bootstrap { arguments += ["--bootstrap", try await other.address()] }
        let agent = try LiveAgent(data: data, earlier: earlier, arguments: arguments)
        try await agent.start()
        return agent
    }

    private init(data: String?, earlier: LiveAgent?, arguments: [String]) throws {
        self.scratch = try TemporaryFolder()
        self.earlier = earlier
        self.data = data ?? earlier?.data ?? self.scratch.file("data")
        self.arguments = ["agent", "run", "--data", self.data] + arguments
        self.process = Mutex(nil)
    }

    deinit {
        if let process = self.process.withLock({ $0 }) { kill(process.processIdentifier, SIGKILL) }
    }

    var pid: Int32 { self.process.withLock { $0?.processIdentifier ?? 0 } }

    /// Starts the process (again) and waits until it is ready.
    func start() async throws {
        let process = Process()
        process.executableURL = URL(filePath: Program.dsmp)
        process.arguments = self.arguments
        let log = self.scratch.file("log")
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let handle = try FileHandle(forWritingTo: URL(filePath: log))
        try handle.seekToEnd()
        (process.standardInput, process.standardOutput, process.standardError) = (FileHandle.nullDevice, handle, handle)
        try process.run()
        self.process.withLock { $0 = process }
        let ready = try await Program.dsmp("status", "--wait", "30", data: self.data)
        let end = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        try #require(ready.status == 0, "\(ready.errors)\n\(end)")
    }

    /// Sends a signal and returns the exit status when the process has ended (128 and the number for a signal).
    @discardableResult func end(_ signal: Int32) async -> Int32 {
        guard let process = self.process.withLock({ $0.take() }) else { return -1 }
        kill(process.processIdentifier, signal)
        await Program.offThread { process.waitUntilExit() }
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    func status() async throws -> AgentStatus { try await self.client.ask(.status, as: AgentStatus.self) }

    func address() async throws -> String { try #require(try await self.status().addresses.first) }

    /// Runs a command against this agent and requires that it succeeds.
    @discardableResult func must(_ arguments: String..., input: [UInt8] = []) async throws -> String {
        let outcome = try await Program.run(Program.dsmp, arguments + ["--data", self.data], input: input)
        try #require(outcome.status == 0, "dsmp \(arguments.joined(separator: " ")): \(outcome.errors)")
        return outcome.text
    }

    /// Runs a command against this agent.
    func run(_ arguments: String..., input: [UInt8] = []) async throws -> Program.Outcome {
        try await Program.run(Program.dsmp, arguments + ["--data", self.data], input: input)
    }

    /// Repeats a command until it succeeds: what was just announced takes a moment to be found. Each try is a process, and
    /// so many that only a defect uses them up.
    @discardableResult func eventually(_ arguments: String..., input: [UInt8] = []) async throws -> String {
        var last: Program.Outcome?
        for _ in 0..<200 {
            let outcome = try await Program.run(Program.dsmp, arguments + ["--data", self.data], input: input)
            if outcome.status == 0 { return outcome.text }
            last = outcome
        }
        Issue.record("dsmp \(arguments.joined(separator: " ")) never succeeded: \(last?.errors ?? "")")
        throw ControlError(.timeout, "it never succeeded")
    }
}

/// A folder with a worker made by `dsmp worker new`.
struct NewWorker {
    let folder: TemporaryFolder
    let path: String

    init(_ name: String, kind: String) async throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file(name)
        let made = try await Program.dsmp("worker", "new", name, "--kind", kind, "--folder", self.path)
        try #require(made.status == 0, "\(made.errors)")
    }
}
