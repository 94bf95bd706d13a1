import Foundation
import Glibc
import Launching
import Libuv
import Policy
import Synchronization
import Testing

/// Runs programs in jails for the suites: one loop and one launcher for all, a free user for each start.
enum TestJail {
    struct Result {
        let report: ExitReport
        let output: String
        let error: String

        /// The exit status; nil for another end.
        var exitStatus: Int32? { if case .exited(let code) = self.report.reason { code } else { nil } }
    }

    static let loop = EventLoop()
    static let launcher = JailLauncher(on: TestJail.loop)
    private static let slots = Mutex(UserSlots())
    private static let compiled = Mutex<[EffectivePolicy: CompiledPolicy]>([:])

    /// The folder of the test's executables.
    static let products = String(JailLauncher.pathBesideExecutable().dropLast(JailLauncher.helperName.count))

    static func policy(
        _ profile: SandboxProfile = .strict, protected: [String] = [],
        _ change: (inout EffectivePolicy) -> Void = { _ in }
    ) throws -> EffectivePolicy {
        var policy = EffectivePolicy(profile: profile, protected: try ProtectedPaths(own: protected))
        change(&policy)
        return policy
    }

    static func compile(_ policy: EffectivePolicy) throws -> CompiledPolicy {
        if let known = Self.compiled.withLock({ $0[policy] }) { return known }
        let compiled = try PolicyCompiler.compile(policy)
        Self.compiled.withLock { $0[policy] = compiled }
        return compiled
    }

    /// A plan for a command; the program is the first word.
    static func plan(_ command: [String], _ policy: EffectivePolicy? = nil, name: String = "test") throws -> LaunchPlan
    {
        let slot = try #require(Self.slots.withLock { $0.take() })
        return LaunchPlan(
            name: name, program: try #require(command.first), arguments: command,
            policy: try Self.compile(try policy ?? Self.policy()), slot: slot)
    }

    static func release(_ plan: LaunchPlan) { Self.slots.withLock { $0.release(plan.slot) } }

    /// Runs a command to its end with its output in files.
    static func run(
        _ command: [String], _ policy: EffectivePolicy? = nil, input: String = "",
        _ change: (inout LaunchPlan) throws -> Void = { _ in }
    ) async throws -> Result {
        var plan = try Self.plan(command, policy)
        defer { Self.release(plan) }
        let files = try (TemporaryFile(input), TemporaryFile(), TemporaryFile())
        plan.input = .descriptor(files.0.descriptor)
        plan.output = .descriptor(files.1.descriptor)
        plan.error = .descriptor(files.2.descriptor)
        try change(&plan)
        let process = try await Self.launcher.launch(plan)
        let report = await process.exitStatus()
        return Result(report: report, output: try files.1.text(), error: try files.2.text())
    }

    /// Runs a shell script.
    static func shell(_ script: String, _ policy: EffectivePolicy? = nil, input: String = "") async throws -> Result {
        try await Self.run(["/usr/bin/sh", "-c", script], policy, input: input)
    }
}

/// A file without a name.
final class TemporaryFile {
    let descriptor: Int32

    init(_ text: String = "") throws {
        var template = Array("/tmp/launching-test-XXXXXX".utf8CString)
        self.descriptor = template.withUnsafeMutableBufferPointer { name in
            guard let start = name.baseAddress else { return -1 }
            let descriptor = mkstemp(start)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            if descriptor >= 0 { unlink(start) }
            return descriptor
        }
        try #require(self.descriptor >= 0)
        let bytes = Array(text.utf8)
        try #require(pwrite(self.descriptor, bytes, bytes.count, 0) == bytes.count)
    }

    deinit { close(self.descriptor) }

    func text() throws -> String {
        var status = stat()
        try #require(fstat(self.descriptor, &status) == 0)
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        try #require(pread(self.descriptor, &bytes, bytes.count, 0) == bytes.count)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A folder that is removed with its contents.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/launching-test-XXXXXX".utf8CString)
        let path = template.withUnsafeMutableBufferPointer { name in
            name.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        self.path = try #require(path)
        chmod(self.path, 0o755)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    func write(_ text: String, to name: String, mode: mode_t = 0o644) throws {
        let descriptor = open("\(self.path)/\(name)", O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, mode)
        try #require(descriptor >= 0)
        let bytes = Array(text.utf8)
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        fchmod(descriptor, mode)
        close(descriptor)
    }

    func makeFolder(_ name: String) throws { try #require(mkdir("\(self.path)/\(name)", 0o755) == 0) }

    func copy(_ source: String, as name: String) throws {
        let from = open(source, O_RDONLY | O_CLOEXEC)
        let target = open("\(self.path)/\(name)", O_CREAT | O_WRONLY | O_CLOEXEC, 0o755)
        try #require(from >= 0 && target >= 0)
        defer {
            close(from)
            close(target)
        }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(from, &bytes, bytes.count)
            guard count > 0 else { break }
            try #require(Glibc.write(target, bytes, count) == count)
        }
        fchmod(target, 0o755)
    }
}

/// Reads a descriptor to its end on a thread that may block, and closes it.
func readToEnd(_ descriptor: Int32) async -> String {
    await withCheckedContinuation { continuation in
        _ = try? Thread.run {
            var all: [UInt8] = []
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = read(descriptor, &bytes, bytes.count)
                guard count > 0 else { break }
                all += bytes.prefix(count)
            }
            close(descriptor)
            continuation.resume(returning: String(decoding: all, as: UTF8.self))
        }
    }
}

/// A detached thread, so that a blocking read does not hold one of the concurrency pool's few.
enum Thread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func run(_ body: @escaping @Sendable () -> Void) throws {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Body(body)).toOpaque()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        try #require(status == 0)
        pthread_detach(thread)
    }
}
