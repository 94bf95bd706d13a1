import Foundation
import Hosting
import Identity
import Launching
import Libuv
import Mesh
import Synchronization
import TestKit
import Testing

/// Refuses the first launches, then hands over to the real launcher.
final class FailingLauncher: Launcher {
    private let failures: Mutex<[LaunchError]>

    init(_ failures: [LaunchError]) { self.failures = Mutex(failures) }

    func launch(_ plan: LaunchPlan) async throws(LaunchError) -> LaunchedProcess {
        let failure = self.failures.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if let failure { throw failure }
        return try await TestLoop.launcher.launch(plan)
    }
}

@Suite("A host of workers") struct HostTests {
    /// A worker in Python whose program is `body`; the SDK is beside it.
    private static func python(
        _ test: ConformanceHost, _ body: String, settings: String = ""
    ) throws -> WorkerDeployment {
        let source = test.folder.file("body.py")
        try Data(body.utf8).write(to: URL(filePath: source))
        return try test.deployment(
            """
            name: odd
            kind: subprocess
            entry: [/usr/bin/python3, body.py]
            release: 1.0.0
            methods: {m: }
            \(settings)
            """,
            files: ["body.py": source, "dsmp_worker.py": Repository.root + "/Plugins/Python/dsmp_worker.py"])
    }

    private static let hello =
        "import os, struct, time; os.read(3, 99); os.write(3, struct.pack('>IIBB8sHHII', 20, 0, 1, 0, b'dsmpwork', 0, 0, 65536, 8))\n"
    private static let ready = hello + "os.write(3, struct.pack('>IIBB', 0, 0, 2, 0))\n"

    struct Misbehaviour: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let body: String
        let words: String

        init(_ name: String, _ body: String, _ words: String) {
            self.testDescription = name
            self.body = body
            self.words = words
        }
    }

    @Test(
        "ends a worker that misbehaves before it is ready, and says why",
        arguments: [
            Misbehaviour(
                "garbage", "import os, time; os.write(3, b'hello, agent'); time.sleep(99)", "broke the channel's rules"),
            Misbehaviour(
                "no hello", "import os, time; os.write(3, bytes([0,0,0,0,0,0,0,0,2,0])); time.sleep(99)",
                "the first frame is a HELLO"),
            Misbehaviour("exits", "import sys; sys.exit(5)", "exited with status 5"),
            Misbehaviour("killed", "import os; os.kill(os.getpid(), 9)", "signal 9"),
            Misbehaviour("closes the channel", "import os, time; os.close(3); time.sleep(99)", "closed its channel"),
            Misbehaviour("silent", "import time; time.sleep(99)", "not ready within 1 s"),
            Misbehaviour("never ready", hello + "time.sleep(99)", "not ready within 1 s"),
            Misbehaviour(
                "another version",
                "import os, struct, time; os.write(3, struct.pack('>IIBB8sHHII', 20, 0, 1, 0, b'dsmpwork', 7, 7, 65536, 8)); time.sleep(99)",
                "versions 7 to 7"),
            Misbehaviour("no such program", "", "python4"),
        ])
    func misbehaviour(_ kind: Misbehaviour) async throws {
        let test = try ConformanceHost()
        var deployment = try Self.python(
            test, kind.body, settings: "ready-seconds: \(kind.words.hasSuffix("1 s") ? 1 : 60)")
        if kind.body.isEmpty { deployment.manifest.entry[0] = "/usr/bin/python4" }
        let error = await #expect(throws: HostingError.self) { try await test.start(deployment) }
        #expect(error?.description.contains(kind.words) == true, "\(error?.description ?? "")")
        let failure = await #expect(throws: CallFailure.self) { _ = try await test.open("m", worker: "odd") }
        #expect(failure?.code == .unavailable)
        #expect(failure?.mayRetryElsewhere == true)
        await test.host.shutdown()
        #expect(await test.host.status(deployment.worker)?.state == .stopped)
    }

    @Test("gives up at once when the worker says that it is no use (status 78)") func noUse() async throws {
        let test = try ConformanceHost()
        let deployment = try Self.python(test, "import sys; sys.exit(78)")
        await #expect(throws: HostingError.self) { try await test.start(deployment) }
        #expect(await test.host.status(deployment.worker)?.state == .failed)
        await test.host.shutdown()
    }

    @Test("ends a worker that stops answering") func watchdog() async throws {
        let test = try ConformanceHost()
        let deployment = try Self.python(test, Self.ready + "time.sleep(99)", settings: "watchdog-seconds: 1")
        try await test.start(deployment)
        let exchange = try await test.open("m", worker: "odd")
        let error = await #expect(throws: CallFailure.self) { _ = try await exchange.receive() }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("did not answer for 1 s") == true, "\(error?.description ?? "")")
        await test.host.shutdown()
    }

    @Test("ends a worker whose calls were all cancelled and never end") func clogged() async throws {
        let test = try ConformanceHost()
        let body = """
            import dsmp_worker, threading
            worker = dsmp_worker.Worker(calls=2)
            @worker.method("m")
            def m(call):
                threading.Event().wait()
            worker.run()
            """
        let deployment = try Self.python(test, body, settings: "watchdog-seconds: 1\nconcurrency: 2")
        try await test.start(deployment)
        for _ in 0..<2 { try await test.open("m", worker: "odd").cancel() }
        // The places are free again only in a new process.
        let exchange = try await test.openWhenFree("m", worker: "odd")
        #expect(await test.host.status(deployment.worker)?.instances[0].restartCount == 1)
        exchange.cancel()
        await test.host.shutdown()
    }

    @Test("tries a failed launch again, with its reason shown meanwhile") func launchFailure() async throws {
        let launcher = FailingLauncher([.helperFailed(reason: "no room")])
        let test = try ConformanceHost(launcher: launcher)
        let deployment = try Self.python(test, "import dsmp_worker; dsmp_worker.Worker().run()")
        try await test.host.start(deployment)
        _ = try await test.openWhenFree("m", worker: "odd")
        #expect(await test.host.status(deployment.worker)?.instances[0].restartCount == 1)
        let log = try await test.host.logs(deployment.worker, lines: 20)
        #expect(log.contains { $0.contains("backoff: the helper dsmp-jail could not be started: no room") }, "\(log)")
        await test.host.shutdown()
    }

    @Test("spreads calls over the instances of a worker, and needs only one of them") func instances() async throws {
        let test = try ConformanceHost()
        let body = """
            import dsmp_worker, os
            worker = dsmp_worker.Worker()
            @worker.method("m")
            def m(call):
                if call.read_all() == b"die":
                    os._exit(1)
                return open("/proc/self/stat").read().split()[21]
            worker.run()
            """
        let deployment = try Self.python(test, body, settings: "instances: 2")
        try await test.start(deployment)
        var answers: Set<[UInt8]> = []
        for _ in 0..<20 where answers.count < 2 { answers.formUnion(try await test.call("m", [], worker: "odd")) }
        await #expect(throws: CallFailure.self) { _ = try await test.call("m", [Array("die".utf8)], worker: "odd") }
        #expect(try await test.call("m", [], worker: "odd").count == 1)
        await test.host.shutdown()
    }

    @Test("keeps what a worker prints, escaped, in order and bounded") func logs() async throws {
        let test = try ConformanceHost()
        let body = """
            import dsmp_worker, sys
            worker = dsmp_worker.Worker()
            @worker.method("m")
            def m(call):
                for index in range(1000):
                    print("line", index, flush=True)
                print("\\x1b[2J\\u202e evil \\x00 \\\\", file=sys.stderr, flush=True)
                sys.stdout.buffer.write(b"\\xff\\xfe bytes\\n"); sys.stdout.flush()
                print("x" * 10000, flush=True)
                print("the end", end="", flush=True)
            worker.run()
            """
        let deployment = try Self.python(test, body)
        try await test.start(deployment)
        _ = try await test.call("m", [], worker: "odd")
        try await test.host.stop(deployment.worker)
        let lines = try await test.host.logs(deployment.worker, lines: 2_000).map { line in
            line.split(separator: " ", maxSplits: 1).last.map(String.init) ?? ""
        }
        #expect(lines.contains("[0] line 0"))
        let first = try #require(lines.firstIndex(of: "[0] line 0"))
        #expect(lines[first..<(first + 1_000)].elementsEqual((0..<1_000).map { "[0] line \($0)" }))
        #expect(lines.contains("[0] \\u{1b}[2J\\u{202e} evil \\u{0} \\\\"))
        #expect(lines.contains { $0.hasSuffix(" bytes") })
        #expect(lines.map(\.utf8.count).max() ?? 0 <= LineSplitter.lineBytes + 4)
        #expect(lines.contains("[0] the end"))
        #expect(lines.contains("[host] instance 0 ready"))
        #expect(lines.last == "[host] instance 0 stopped")
        #expect(try await test.host.logs(deployment.worker, lines: 3).count == 3)
        await test.host.shutdown()
    }

    @Test("refuses what it does not know, and what runs already") func names() async throws {
        let test = try await ConformanceHost.ready(.library)
        let error = await #expect(throws: CallFailure.self) { _ = try await test.open("m", worker: "other") }
        #expect(error?.code == .notFound)
        let name = try ConformanceHost.name("other")
        await #expect(throws: HostingError.self) { try await test.host.stop(name) }
        await #expect(throws: HostingError.self) { try await test.host.waitUntilReady(name) }
        await #expect(throws: HostingError.self) { _ = try await test.host.logs(name, lines: 1) }
        let deployment = try test.deployment(
            "name: x\nkind: exec\nrelease: 1.0.0\nmethods: {m: {argv: [/usr/bin/cat]}}")
        try await test.start(deployment)
        await #expect(throws: HostingError.self) { try await test.host.start(deployment) }
        var renamed = deployment
        renamed.worker = name
        await #expect(throws: HostingError.self) { try await test.host.start(renamed) }
        #expect(await test.host.statuses().map(\.worker.name) == ["conformance", "x"])
        try await test.host.remove(deployment.worker)
        #expect(await test.host.status(deployment.worker) == nil)
        await test.host.shutdown()
        await #expect(throws: HostingError.self) { try await test.host.start(deployment) }
    }

    @Test("stops a worker while it is starting") func stopWhileStarting() async throws {
        let test = try ConformanceHost()
        let deployment = try Self.python(test, "import time; time.sleep(99)", settings: "stop-seconds: 1")
        try await test.host.start(deployment)
        try await test.host.stop(deployment.worker)
        #expect(await test.host.status(deployment.worker)?.state == .stopped)
        await test.host.shutdown()
    }

    @Test("keeps the log of one worker within two files") func rotation() throws {
        let folder = try TemporaryFolder()
        let log = WorkerLog(path: folder.file("w.log"), limit: 1_000)
        for index in 0..<200 { log.append("line \(index)", unixMilliseconds: 1) }
        let sizes = try ["w.log", "w.log.1"].map { name in
            try #require(FileManager.default.attributesOfItem(atPath: folder.file(name))[.size] as? Int)
        }
        #expect(sizes.allSatisfy { $0 <= 1_000 })
        #expect(folder.mode(of: "w.log") == 0o600)
        #expect(log.tail(lines: 2) == ["1 line 198", "1 line 199"])
        #expect(log.tail(lines: 100).count == 100)
        let again = WorkerLog(path: folder.file("w.log"), limit: 1_000)
        again.append("after", unixMilliseconds: 2)
        #expect(again.tail(lines: 2) == ["1 line 199", "2 after"])
    }
}
