import Foundation
import Hosting
import Identity
import Launching
import Libuv
import Mesh
import Policy
import TestKit
import Testing

/// One loop and one launcher of real jails for all suites.
enum TestLoop {
    static let loop = EventLoop()
    static let launcher = JailLauncher(on: TestLoop.loop)
    /// The folder of the test's executables.
    static let products = String(JailLauncher.pathBesideExecutable().dropLast(JailLauncher.helperName.count))
}

/// What the conformance worker is written in.
enum Implementation: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case library, python, swift

    var testDescription: String { self.rawValue }
    var isProcess: Bool { self != .library }
}

/// A host with workers under test, in a folder of its own.
final class ConformanceHost: Sendable {
    let folder: TemporaryFolder
    let host: WorkerHost
    let trusted: TrustedLibraries
    private static let publisher = Result { try KeyPair(seed: [UInt8](repeating: 7, count: 32)).peerID }

    init(
        launcher: any Launcher = TestLoop.launcher, trusted: TrustedLibraries = TrustedLibraries(),
        supervision: WorkerSupervisor.Policy = WorkerSupervisor.Policy()
    ) throws {
        self.folder = try TemporaryFolder()
        self.trusted = trusted
        var settings = WorkerHostSettings(dataFolder: self.folder.path, trustedLibraries: trusted)
        settings.supervision = supervision
        self.host = WorkerHost(on: TestLoop.loop, launcher: launcher, settings: settings)
    }

    static func name(_ name: String) throws -> WorkerName {
        try WorkerName(publisher: try Self.publisher.get(), name: name)
    }

    /// Installs a folder of files as a worker.
    func deployment(_ manifest: String, files: [String: String] = [:]) throws -> WorkerDeployment {
        let parsed = try WorkerManifest.parse(manifest)
        let release = self.folder.file("release-\(parsed.name)")
        try FileManager.default.createDirectory(atPath: release, withIntermediateDirectories: true)
        try Data(manifest.utf8).write(to: URL(filePath: release + "/worker.yaml"))
        for (name, source) in files {
            try FileManager.default.copyItem(atPath: source, toPath: release + "/" + name)
        }
        let policy = EffectivePolicy(protected: try ProtectedPaths(own: []))
        return WorkerDeployment(
            worker: try Self.name(parsed.name), manifest: parsed, releaseFolder: release,
            policy: try PolicyCompiler.compile(policy))
    }

    /// A host with the conformance worker, ready.
    static func ready(_ implementation: Implementation, concurrency: Int = 64) async throws -> ConformanceHost {
        let library = try TestLibrary.conformance.get()
        let test = try ConformanceHost(trusted: TrustedLibraries(digests: [library.digest]))
        var manifest = """
            name: conformance
            release: 1.0.0
            concurrency: \(concurrency)
            ready-seconds: 60

            """
        var files: [String: String] = [:]
        switch implementation {
        case .library:
            manifest += "kind: library\nentry: libconformance.so\n"
            files["libconformance.so"] = library.path
        case .python:
            manifest += "kind: subprocess\nentry: [/usr/bin/python3, conformance.py]\n"
            files["conformance.py"] = Repository.root + "/Tests/ConformanceWorkers/python/conformance.py"
            files["dsmp_worker.py"] = Repository.root + "/Plugins/Python/dsmp_worker.py"
        case .swift:
            manifest += "kind: subprocess\nentry: [conformance-worker]\n"
            files["conformance-worker"] = TestLoop.products + "conformance-worker"
        }
        manifest += "methods: {echo: , sum: , stream: , slow: , fail: , crash: , thread: , missing: }\n"
        try await test.start(try test.deployment(manifest, files: files))
        return test
    }

    func start(_ deployment: WorkerDeployment) async throws {
        try await self.host.start(deployment)
        try await self.host.waitUntilReady(deployment.worker)
    }

    func open(
        _ method: String, worker: String = "conformance", deadlineMilliseconds: UInt32 = 0, key: [UInt8] = []
    ) async throws -> any CallExchange {
        try await self.host.open(
            CallHeader(
                worker: try Self.name(worker), method: method, deadlineMilliseconds: deadlineMilliseconds,
                idempotencyKey: key))
    }

    /// One whole call.
    func call(_ method: String, _ messages: [[UInt8]], worker: String = "conformance") async throws -> [[UInt8]] {
        let exchange = try await self.open(method, worker: worker)
        async let sent: Void = {
            for message in messages { try await exchange.send(message) }
            try await exchange.finishSending()
        }()
        var answers: [[UInt8]] = []
        while let answer = try await exchange.receive() { answers.append(answer) }
        try await sent
        return answers
    }
}

/// The conformance worker in C, compiled once as an author would do it.
enum TestLibrary {
    struct Built: Sendable {
        let path: String
        let digest: String
    }

    static let conformance = Result { try Self.compile("Tests/ConformanceWorkers/library/conformance.c") }
    private static let folder = Result { try TemporaryFolder() }

    static func compile(_ source: String, flags: [String] = []) throws -> Built {
        let name = "lib\(source.split(separator: "/").last?.split(separator: ".").first ?? "library").so"
        let path = try Self.folder.get().file(name)
        try Command.run(
            "cc",
            ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden", "-shared", "-pthread"]
                + flags + ["-Wl,-z,nodelete", "-I", Repository.root + "/Plugins/WorkerABI/include"]
                + [source.hasPrefix("/") ? source : Repository.root + "/" + source, "-o", path])
        return Built(path: path, digest: String(try Command.run("sha256sum", [path]).prefix(64)))
    }
}

/// Runs tools that check our results.
enum Command {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// What a tool prints; fails unless it exits with 0.
    @discardableResult static func run(_ tool: String, _ arguments: [String], input: String? = nil) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [tool] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = try input.map { try FileHandle(forReadingFrom: URL(filePath: $0)) } ?? .nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(tool) \(arguments) ended with \(process.terminationStatus)")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
