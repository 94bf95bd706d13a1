import Glibc
import Launching
import Policy
import Testing

@Suite("A process in a jail") struct LifecycleTests {
    private func start(_ script: String, _ change: (inout LaunchPlan) -> Void = { _ in }) async throws
        -> LaunchedProcess
    {
        var plan = try TestJail.plan(["/usr/bin/sh", "-c", script])
        defer { TestJail.release(plan) }
        change(&plan)
        return try await TestJail.launcher.launch(plan)
    }

    @Test("reports its exit status", arguments: [0, 1, 77, 255] as [Int32]) func exitStatus(code: Int32) async throws {
        #expect(try await TestJail.shell("exit \(code)").report.reason == .exited(code: code))
    }

    @Test("reports the signal that ended it", arguments: [SIGKILL, SIGSEGV, SIGABRT]) func signal(number: Int32)
        async throws
    {
        #expect(try await TestJail.shell("kill -\(number) $$").report.reason == .signalled(number))
    }

    @Test("reports what it used") func usage() async throws {
        let result = try await TestJail.run(["/usr/bin/python3", "-c", "sum(range(3000000)); b = bytearray(30 << 20)"])
        #expect(result.report.userMicroseconds > 1000)
        #expect(result.report.maximumResidentBytes > 30 << 20)
    }

    @Test("gives its log, standard output beside standard error") func log() async throws {
        let process = try await self.start("echo out; echo error >&2")
        let log = await readToEnd(try #require(process.takeLog()))
        #expect(log == "out\nerror\n")
        #expect(process.takeLog() == nil)
        #expect(await process.exitStatus().reason == .exited(code: 0))
    }

    @Test("carries standard input and output through pipes, the log apart") func pipes() async throws {
        let process = try await self.start("cat; echo noise >&2") {
            $0.input = .pipe
            $0.output = .pipe
        }
        let input = try #require(process.takeInput())
        #expect(write(input, "hello", 5) == 5)
        close(input)
        #expect(await readToEnd(try #require(process.takeOutput())) == "hello")
        #expect(await readToEnd(try #require(process.takeLog())) == "noise\n")
    }

    @Test("talks through its control socket, whose end is its end") func control() async throws {
        let script = """
            import socket
            control = socket.socket(fileno=3)
            control.sendall(control.recv(4) + b' answered')
            """
        var plan = try TestJail.plan(["/usr/bin/python3", "-c", script])
        defer { TestJail.release(plan) }
        plan.wantsControl = true
        let process = try await TestJail.launcher.launch(plan)
        let control = try #require(process.takeControl())
        #expect(write(control, "ping", 4) == 4)
        #expect(await readToEnd(control) == "ping answered")
        #expect(await process.exitStatus().reason == .exited(code: 0))
    }

    @Test("is asked to end first, and can end in order") func terminate() async throws {
        let process = try await self.start("trap 'echo bye; exit 3' TERM; echo ready; sleep 1000 & wait") {
            $0.output = .pipe
        }
        let output = try #require(process.takeOutput())
        var bytes = [UInt8](repeating: 0, count: 6)
        #expect(await Waiting.read(output, &bytes) == 6)
        let report = await process.terminate(deadlineMilliseconds: 60_000)
        #expect(report.reason == .exited(code: 3))
        close(output)
    }

    @Test("is ended at the deadline when it does not listen") func deadline() async throws {
        let process = try await self.start("trap '' TERM; sleep 1000 & sleep 1000")
        let report = await process.terminate(deadlineMilliseconds: 50)
        #expect(report.reason == .signalled(SIGKILL))
        #expect(process.report == report)
        process.kill()  // After the end it does nothing.
    }

    @Test("takes every process of the jail with it") func wholeJail() async throws {
        let process = try await self.start("setsid sleep 1000 & (setsid sleep 1000 &) ; exit 0")
        #expect(await process.exitStatus().reason == .exited(code: 0))
        // Every holder of the log's other end is gone.
        #expect(await readToEnd(try #require(process.takeLog())) == "")
    }

    @Test("is killed with its grandchildren") func killTree() async throws {
        let process = try await self.start("for i in 1 2 3 4 5 6 7 8; do setsid sleep 1000 & done; echo started; wait")
        {
            $0.output = .pipe
        }
        let output = try #require(process.takeOutput())
        var bytes = [UInt8](repeating: 0, count: 8)
        #expect(await Waiting.read(output, &bytes) == 8)
        process.kill()
        #expect(await process.exitStatus().reason == .signalled(SIGKILL))
        #expect(await readToEnd(output) == "")
    }

    @Test("that makes a forbidden call is named as such") func forbidden() async throws {
        let result = try await TestJail.run(["/usr/bin/unshare", "-U", "true"])
        #expect(result.report.reason == .signalled(SIGSYS))
        #expect("\(result.report.reason)".contains("forbidden system call"))
    }

    @Test("is not started when the task was cancelled") func cancelled() async throws {
        let plan = try TestJail.plan(["/usr/bin/sleep", "1000"])
        defer { TestJail.release(plan) }
        let task = Task<Void, any Error> {
            while !Task.isCancelled { await Task.yield() }
            try await TestJail.launcher.launch(plan).kill()
        }
        task.cancel()
        await #expect(throws: LaunchError.cancelled) { try await task.value }
    }

    @Test("cannot be started without the helper, which is named") func missingHelper() async throws {
        let plan = try TestJail.plan(["/usr/bin/true"])
        defer { TestJail.release(plan) }
        let launcher = JailLauncher(on: TestJail.loop, helper: "/nowhere/dsmp-jail")
        await #expect(throws: LaunchError.helperMissing(path: "/nowhere/dsmp-jail")) {
            _ = try await launcher.launch(plan)
        }
    }

    @Test("cannot be started by a helper that is another program") func wrongHelper() async throws {
        let plan = try TestJail.plan(["/usr/bin/true"])
        defer { TestJail.release(plan) }
        let launcher = JailLauncher(on: TestJail.loop, helper: "/usr/bin/true")
        await #expect(throws: LaunchError.helperFailed(reason: "it ended early")) {
            _ = try await launcher.launch(plan)
        }
        await launcher.allEnded()
        #expect(await launcher.liveCount == 0)
    }

    @Test("ends with the agent, however that ends") func agentKilled() async throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let agent = Runner(on: TestJail.loop)
        _ = try await agent.start(
            TestJail.products + "sandbox-probe", ["--", "sh", "-c", "setsid sleep 1000 & echo ready; sleep 1000"],
            output: ends[1])
        close(ends[1])
        var bytes = [UInt8](repeating: 0, count: 6)
        try #require(await Waiting.read(ends[0], &bytes) == 6)
        try await agent.kill(SIGKILL)
        // The pipe ends when the last process of the jail is gone: nobody else has its other end.
        #expect(await readToEnd(ends[0]) == "")
        #expect(try await agent.exitStatus() == 128 + SIGKILL)
    }

    @Test("leaves nothing behind after 200 starts") func leaks() async throws {
        let errors = try TemporaryFile()
        let status = try await Command.run(
            TestJail.products + "sandbox-probe", ["--repeat", "200", "--", "true"], error: errors.descriptor)
        let found = try errors.text()
        #expect(status == 0, "\(found)")
    }
}

/// Waits for bytes on a thread that may block.
enum Waiting {
    /// Reads until `bytes` is full or the end; returns the count.
    static func read(_ descriptor: Int32, _ bytes: inout [UInt8]) async -> Int {
        let wanted = bytes.count
        let received: [UInt8] = await withCheckedContinuation { continuation in
            do {
                try Thread.run {
                    var all: [UInt8] = []
                    var part = [UInt8](repeating: 0, count: wanted)
                    while all.count < wanted {
                        let count = Glibc.read(descriptor, &part, wanted - all.count)
                        guard count > 0 else { break }
                        all += part.prefix(count)
                    }
                    continuation.resume(returning: all)
                }
            } catch {
                continuation.resume(returning: [])
            }
        }
        bytes = received
        return received.count
    }
}
