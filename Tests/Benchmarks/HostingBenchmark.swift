import Foundation
import Hosting
import Identity
import Launching
import Libuv
import Mesh
import Policy
import TestKit

/// Whole calls to workers of every kind through their host: open, one message of 64 bytes, its answer, the end.
func hostingBenchmark() async throws -> Report {
    var report = Report()
    let bench = try HostingBench()
    try await bench.start()
    for kind in HostingBench.kinds {
        let times = try await bench.roundTrips(kind.name, count: kind.calls)
        report.add("call to \(kind.title)", times, unit: "us")
    }
    for name in ["library", "swift", "python"] {
        report.add("stream to \(name) worker", try await bench.throughput(name), unit: "MB/s")
    }
    await bench.host.shutdown()
    return report
}

/// A caller on the loop of the host, as the agent's own actors are.
private actor HostingBench {
    static let kinds: [(name: String, title: String, calls: Int)] = [
        ("library", "library worker", 20_000), ("swift", "resident Swift worker", 5_000),
        ("python", "resident Python worker", 3_000), ("program", "exec worker (one process a call)", 60),
    ]

    let host: WorkerHost
    private let loop: EventLoop
    private let folder: TemporaryFolder
    private let publisher: PeerID
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    init() throws {
        self.loop = EventLoop()
        self.folder = try TemporaryFolder()
        self.publisher = try KeyPair(seed: [UInt8](repeating: 7, count: 32)).peerID
        let library = self.folder.file("libconformance.so")
        try Self.run(
            "cc",
            ["-std=c11", "-O2", "-fPIC", "-fvisibility=hidden", "-shared", "-pthread"]
                + ["-I", Repository.root + "/Plugins/WorkerABI/include"]
                + [Repository.root + "/Tests/ConformanceWorkers/library/conformance.c", "-o", library])
        let digest = String(try Self.run("sha256sum", [library]).prefix(64))
        self.host = WorkerHost(
            on: self.loop, launcher: JailLauncher(on: self.loop),
            settings: WorkerHostSettings(
                dataFolder: self.folder.path, trustedLibraries: TrustedLibraries(digests: [digest])))
    }

    @discardableResult private static func run(_ tool: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [tool] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    /// Runs one worker of each kind.
    func start() async throws {
        let workers = Repository.root + "/Tests/ConformanceWorkers"
        let products = String(JailLauncher.pathBesideExecutable().dropLast(JailLauncher.helperName.count))
        try await self.start(
            "library", "kind: library\nentry: libconformance.so", [self.folder.file("libconformance.so")])
        try await self.start(
            "python", "kind: subprocess\nentry: [/usr/bin/python3, conformance.py]",
            [workers + "/python/conformance.py", Repository.root + "/Plugins/Python/dsmp_worker.py"])
        try await self.start(
            "swift", "kind: subprocess\nentry: [conformance-worker]", [products + "conformance-worker"])
        try await self.start("program", "kind: exec\nentry: [/usr/bin/cat]", [])
    }

    private func start(_ name: String, _ kind: String, _ files: [String]) async throws {
        let manifest = try WorkerManifest.parse("name: \(name)\nrelease: 1.0.0\n\(kind)\nmethods: {echo: , sum: }\n")
        let release = self.folder.file("release-\(name)")
        try FileManager.default.createDirectory(atPath: release, withIntermediateDirectories: false)
        for file in files {
            try FileManager.default.copyItem(
                atPath: file, toPath: release + "/" + URL(filePath: file).lastPathComponent)
        }
        let policy = try PolicyCompiler.compile(EffectivePolicy(protected: try ProtectedPaths(own: [])))
        let worker = try WorkerName(publisher: self.publisher, name: name)
        try await self.host.start(
            WorkerDeployment(worker: worker, manifest: manifest, releaseFolder: release, policy: policy))
        try await self.host.waitUntilReady(worker)
    }

    /// The times of whole calls, in microseconds, after some that warm everything up.
    func roundTrips(_ name: String, count: Int) async throws -> [Double] {
        let header = CallHeader(worker: try WorkerName(publisher: self.publisher, name: name), method: "echo")
        let message = [UInt8](repeating: 0x5A, count: 64)
        var times: [Double] = []
        for index in 0..<(count + count / 10) {
            let start = MonotonicClock.nowNanoseconds
            let exchange = try await self.host.open(header)
            try await exchange.send(message)
            try await exchange.finishSending()
            while try await exchange.receive() != nil {}
            if index >= count / 10 { times.append(Double(MonotonicClock.nowNanoseconds - start) / 1e3) }
        }
        return times
    }

    /// How fast a worker takes input, in megabytes a second.
    func throughput(_ name: String) async throws -> [Double] {
        let header = CallHeader(worker: try WorkerName(publisher: self.publisher, name: name), method: "sum")
        let message = [UInt8](repeating: 0x5A, count: 262_144)
        let count = 1_024
        var rates: [Double] = []
        for _ in 0..<3 {
            let start = MonotonicClock.nowNanoseconds
            let exchange = try await self.host.open(header)
            for _ in 0..<count { try await exchange.send(message) }
            try await exchange.finishSending()
            while try await exchange.receive() != nil {}
            let seconds = Double(MonotonicClock.nowNanoseconds - start) / 1e9
            rates.append(Double(count * message.count) / 1e6 / seconds)
        }
        return rates
    }
}
