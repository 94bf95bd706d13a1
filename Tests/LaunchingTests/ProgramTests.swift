import Glibc
import Launching
import Policy
import Testing

@Suite("Ordinary programs in a jail") struct ProgramTests {
    @Test("run under every profile", arguments: SandboxProfile.allCases)
    func ordinary(profile: SandboxProfile) async throws {
        let policy = try TestJail.policy(profile)
        let awk = try await TestJail.run(
            ["/usr/bin/awk", "{ sum += $1 } END { print sum }"], policy, input: "1\n2\n39\n")
        #expect(awk.output == "42\n", "\(awk.error)")
        let sort = try await TestJail.run(["/usr/bin/sort", "-n"], policy, input: "10\n9\n1\n")
        #expect(sort.output == "1\n9\n10\n", "\(sort.error)")
        let sqlite = try await TestJail.run(
            ["/usr/bin/sqlite3", "/tmp/a.db"], policy,
            input: "create table t(x); insert into t values(7); select x from t;\n")
        #expect(sqlite.output == "7\n", "\(sqlite.error)")
        let pipeline = try await TestJail.shell("printf 'b\\na\\n' | sort | tr a-z A-Z | sed s/A/1/", policy)
        #expect(pipeline.output == "1\nB\n", "\(pipeline.error)")
    }

    @Test("python runs threads, children, hashes, locks and socket pairs", arguments: SandboxProfile.allCases)
    func python(profile: SandboxProfile) async throws {
        let script = """
            import threading, subprocess, hashlib, tempfile, socket, multiprocessing, sqlite3, os
            done = []
            threads = [threading.Thread(target=lambda n=n: done.append(n)) for n in range(4)]
            [t.start() for t in threads]; [t.join() for t in threads]
            print(sorted(done))
            print(subprocess.run(['sort'], input=b'b\\na\\n', capture_output=True).stdout)
            print(hashlib.sha256(b'').hexdigest()[:8])
            with tempfile.NamedTemporaryFile() as file: file.write(b'x'); file.flush(); print(os.stat(file.name).st_size)
            a, b = socket.socketpair(); a.send(b'ping'); print(b.recv(4))
            lock = multiprocessing.Lock()
            with lock: print(os.getpid() > 0)
            """
        let result = try await TestJail.run(["/usr/bin/python3", "-c", script], try TestJail.policy(profile))
        #expect(result.output == "[0, 1, 2, 3]\nb'a\\nb\\n'\ne3b0c442\n1\nb'ping'\nTrue\n", "\(result.error)")
    }

    @Test("a Swift program with tasks and threads runs from a release folder", arguments: SandboxProfile.allCases)
    func swift(profile: SandboxProfile) async throws {
        let folder = try TemporaryFolder()
        try folder.copy(TestJail.products + "swift-worker", as: "swift-worker")
        let result = try await TestJail.run(["/worker/swift-worker"], try TestJail.policy(profile)) {
            $0.releaseFolder = folder.path
        }
        #expect(result.output == "sum 4950, thread ran, slept\n", "\(result.report.reason) \(result.error)")
    }

    @Test("a static C program runs from a release folder, and sees it read-only") func staticProgram() async throws {
        let folder = try TemporaryFolder()
        try folder.copy(TestJail.products + "hostile-worker", as: "hostile")
        let result = try await TestJail.run(["/worker/hostile", "create-in-worker"]) { $0.releaseFolder = folder.path }
        #expect(result.output == "create-in-worker errno \(EROFS)\n")
    }

    @Test("a release may be named through a link of the agent's own, and a missing one is named") func linkedRelease()
        async throws
    {
        let folder = try TemporaryFolder()
        try folder.makeFolder("real")
        try folder.write("inside", to: "real/file")
        symlink("real", folder.path + "/link")
        let result = try await TestJail.run(["/usr/bin/cat", "/worker/file"]) {
            $0.releaseFolder = folder.path + "/link"
        }
        #expect(result.output == "inside")
        let missing = try await refusal(of: ["/usr/bin/true"]) { $0.releaseFolder = folder.path + "/none" }
        #expect(missing == JailFailure(step: "bind-open", errno: ENOENT, detail: folder.path + "/none"))
    }

    @Test("a script runs through its interpreter") func script() async throws {
        let folder = try TemporaryFolder()
        try folder.write("#!/usr/bin/python3\nimport sys\nprint(sys.argv[1:])\n", to: "run.py", mode: 0o755)
        let result = try await TestJail.run(["/worker/run.py", "a b"]) { $0.releaseFolder = folder.path }
        #expect(result.output == "['a b']\n", "\(result.error)")
    }

    @Test("a release that its user cannot read is refused with what to do", .enabled(if: geteuid() == 0))
    func unreadableRelease() async throws {
        let folder = try TemporaryFolder()
        chmod(folder.path, 0o700)
        let error = try await refusal(of: ["/usr/bin/true"]) { $0.releaseFolder = folder.path }
        #expect(error?.step == "bind-check")
        #expect(error?.detail.contains("chmod -R o+rX") == true)
    }

    @Test("a program that is missing, no file or not executable is named with its reason")
    func badPrograms() async throws {
        let folder = try TemporaryFolder()
        try folder.write("data", to: "data")
        try folder.write("\u{7F}ELF broken", to: "broken", mode: 0o755)
        func failure(_ program: String) async throws -> JailFailure? {
            try await refusal(of: [program]) { $0.releaseFolder = folder.path }
        }
        #expect(
            try await failure("/usr/bin/none") == JailFailure(step: "program", errno: ENOENT, detail: "/usr/bin/none"))
        #expect(
            try await failure("/worker/data") == JailFailure(step: "program", errno: EACCES, detail: "/worker/data"))
        #expect(try await failure("/usr/bin") == JailFailure(step: "program", errno: EACCES, detail: "/usr/bin"))
        #expect(
            try await failure("/worker/broken") == JailFailure(step: "exec", errno: ENOEXEC, detail: "/worker/broken"))
    }
}

/// The step at which a start is given up; nil when it was not.
func refusal(
    of command: [String], _ policy: EffectivePolicy? = nil, _ change: (inout LaunchPlan) -> Void = { _ in }
) async throws -> JailFailure? {
    do {
        _ = try await TestJail.run(command, policy, change)
    } catch LaunchError.step(let failure) {
        return failure
    }
    return nil
}
