import Glibc
import Launching
import Policy
import Testing

@Suite("dsmp sandbox run") struct SandboxRunTests {
    private func run(
        _ program: String, _ arguments: [String] = [], _ change: (inout SandboxRun) -> Void = { _ in }
    ) async throws -> (outcome: SandboxRun.Outcome, output: String) {
        let output = try TemporaryFile()
        var run = SandboxRun(program: program, currentFolder: "/", protected: try ProtectedPaths(own: []))
        run.arguments = arguments
        run.streams = (try TemporaryFile().descriptor, output.descriptor, output.descriptor)
        let input = try TemporaryFile("in\n")
        run.streams.input = input.descriptor
        change(&run)
        let outcome = await run.run(on: TestJail.loop)
        return (outcome, try output.text())
    }

    @Test("passes streams and the exit status through") func passes() async throws {
        let result = try await self.run("sh", ["-c", "cat; echo e >&2; exit 9"])
        #expect(result.outcome.exitStatus == 9)
        #expect(result.outcome.problem == nil)
        #expect(result.output == "in\ne\n")
    }

    @Test("answers 128 and the signal", arguments: [SIGTERM, SIGKILL]) func signals(number: Int32) async throws {
        #expect(try await self.run("sh", ["-c", "kill -\(number) $$"]).outcome.exitStatus == 128 + number)
    }

    @Test("answers 127 for a program that is not there, 126 for one that is no program") func missing() async throws {
        let missing = try await self.run("no-such-program").outcome
        #expect(missing.exitStatus == 127)
        #expect(missing.problem?.contains("\"step\":\"program\",\"errno\":2,") == true)
        #expect(try await self.run("/nowhere/program").outcome.exitStatus == 127)
        #expect(try await self.run("/usr/share/common-licenses/GPL-3").outcome.exitStatus == 126)
    }

    @Test("answers 125 with step and errno when the jail cannot be built") func broken() async throws {
        let result = try await self.run("true") { $0.binds = ["/nowhere/at/all"] }.outcome
        #expect(result.exitStatus == 125)
        #expect(result.problem?.hasPrefix("{\"step\":\"bind-open\",\"errno\":2,\"message\":\"") == true)
        let refused = try await self.run("true") { $0.binds = ["/root"] }.outcome
        #expect(refused.exitStatus == 125)
        #expect(refused.problem?.contains("\"step\":\"policy\"") == true)
        let helper = try await self.run("true") { $0.helper = "/nowhere/dsmp-jail" }.outcome
        #expect(helper.exitStatus == 125)
    }

    @Test("shows granted folders, with relative names below the caller's folder") func binds() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("inner")
        try folder.write("x", to: "inner/file")
        let result = try await self.run("cat", ["\(folder.path)/inner/file"]) {
            $0.currentFolder = folder.path
            $0.binds = ["inner"]
        }
        #expect(result.output == "x")
    }

    @Test("shows a program of one's own by itself") func ownProgram() async throws {
        let folder = try TemporaryFolder()
        try folder.copy(TestJail.products + "hostile-worker", as: "hostile")
        try folder.write("x", to: "beside")
        let result = try await self.run("./hostile", ["--secret", folder.path + "/beside", "read-secret"]) {
            $0.currentFolder = folder.path
        }
        #expect(result.output == "read-secret errno \(ENOENT)\n")
    }

    @Test("works for an ordinary user too, with his own user", .enabled(if: geteuid() == 0)) func ordinaryUser()
        async throws
    {
        let folder = try TemporaryFolder()
        for name in ["sandbox-probe", "dsmp-jail", "hostile-worker"] {
            try folder.copy(TestJail.products + name, as: name)
        }
        func probe(_ arguments: [String]) async throws -> (status: Int32, output: String) {
            let output = try TemporaryFile()
            let status = try await Command.run(
                "/usr/bin/setpriv",
                ["--reuid", "1001", "--regid", "1001", "--clear-groups", folder.path + "/sandbox-probe"] + arguments,
                output: output.descriptor, error: output.descriptor, folder: folder.path)
            return (status, try output.text())
        }
        let identity = try await probe([
            "--", "sh", "-c", "id -u; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status",
        ])
        #expect(identity.output == "1000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n")
        #expect(identity.status == 0)
        let python = try await probe(["--", "python3", "-c", "print(6 * 7)"])
        #expect(python.output == "42\n")
        let memory = try await probe(["--", "python3", "-c", "bytearray(700 << 20)"])
        #expect(memory.output.contains("MemoryError"))
        // All but the attempts at the limits, which differ in this tier and have tests of their own.
        let hostile = try await probe(["--", "./hostile-worker"])
        #expect(hostile.status == 0)
        let available = hostile.output.split(separator: "\n").filter { $0.hasSuffix(" available") }
        #expect(available == ["disk available", "memory available"], "\(hostile.output)")
    }
}
