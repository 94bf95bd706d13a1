import Glibc
import Launching
import Policy
import Testing

@Suite("A jail, seen from inside") struct ConfinementTests {
    @Test("has a user of its own without groups or capabilities, behind a filter") func identity() async throws {
        let result = try await TestJail.shell("cat /proc/self/status; id -u; id -g")
        let lines = result.output.split(separator: "\n").map(String.init)
        func field(_ name: String) -> [Substring]? {
            lines.first { $0.hasPrefix(name + ":") }?.dropFirst(name.count + 1).split(whereSeparator: \.isWhitespace)
        }
        #expect(result.exitStatus == 0)
        #expect(field("Uid") == ["1000", "1000", "1000", "1000"])
        #expect(field("Gid") == ["1000", "1000", "1000", "1000"])
        if geteuid() == 0 { #expect(field("Groups") == []) }
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] { #expect(field(set) == ["0000000000000000"]) }
        #expect(field("NoNewPrivs") == ["1"])
        #expect(field("Seccomp") == ["2"])
        #expect(field("Seccomp_filters") == ["1"])
        #expect(lines.suffix(2) == ["1000", "1000"])
    }

    @Test("is on the host an unused user of its slot, never root", .enabled(if: geteuid() == 0))
    func kernelUser() async throws {
        var plan = try TestJail.plan(["/usr/bin/sleep", "1000"])
        defer { TestJail.release(plan) }
        plan.output = .log
        let process = try await TestJail.launcher.launch(plan)
        var status = stat()
        // The init is not dumpable, so its entries in /proc are root's; the status file tells the truth.
        let text = try readFile("/proc/\(process.processID)/status")
        #expect(stat("/proc/\(process.processID)", &status) == 0)
        let user = plan.slot.kernelUserID
        #expect(user >= 200_000)
        #expect(text.contains("Uid:\t\(user)\t\(user)\t\(user)\t\(user)\n"))
        #expect(text.contains("Gid:\t\(user)\t\(user)\t\(user)\t\(user)\n"))
        process.kill()
        #expect(await process.exitStatus().reason == .signalled(SIGKILL))
    }

    @Test("sees its own processes only") func processes() async throws {
        let result = try await TestJail.shell(
            "for f in /proc/[0-9]*; do cat $f/comm; done 2>/dev/null | sort -u; echo $$")
        let names = result.output.split(separator: "\n")
        #expect(Set(names.dropLast()).isSubset(of: ["dash", "sh", "cat", "sort"]), "\(result.output)")
        #expect((Int(names.last ?? "") ?? 99) < 10)
    }

    @Test("has no network but the loop, and that is down") func network() async throws {
        let script = """
            import os
            print(sorted(os.listdir('/sys/class/net')) if os.path.exists('/sys') else 'no /sys')
            import ctypes, ctypes.util
            class Entry(ctypes.Structure): _fields_ = [('index', ctypes.c_uint), ('name', ctypes.c_char_p)]
            import socket
            try: socket.socket()
            except OSError as error: print(error.errno)
            """
        let result = try await TestJail.run(["/usr/bin/python3", "-c", script])
        #expect(result.output == "no /sys\n97\n")
    }

    @Test("is in namespaces of its own, every one") func namespaces() async throws {
        var plan = try TestJail.plan(["/usr/bin/sleep", "1000"])
        defer { TestJail.release(plan) }
        plan.output = .log
        let process = try await TestJail.launcher.launch(plan)
        guard geteuid() == 0 else {
            process.kill()
            return
        }
        for kind in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"] {
            let inside = try readLink("/proc/\(process.processID)/ns/\(kind)")
            #expect(try inside != readLink("/proc/self/ns/\(kind)"), "\(kind)")
        }
        process.kill()
        _ = await process.exitStatus()
    }

    @Test("has a clean environment") func environment() async throws {
        setenv("LD_PRELOAD_TEST_SECRET", "1", 1)
        setenv("DSMP_DATA", "/secret", 1)
        let result = try await TestJail.run(["/usr/bin/env"]) { plan in
            try plan.environment.set("GREETING", to: "hello")
            try plan.environment.set("LANG", to: "C")
        }
        let expected = WorkerEnvironment.base.filter { !$0.hasPrefix("LANG=") } + ["GREETING=hello", "LANG=C"]
        #expect(Set(result.output.split(separator: "\n").map(String.init)) == Set(expected))
    }

    @Test("has descriptors 0 to 2, and 3 for control") func descriptors() async throws {
        let script = "import os; print([n for n in range(4096) if os.path.exists('/proc/self/fd/%d' % n)])"
        let plain = try await TestJail.run(["/usr/bin/python3", "-c", script])
        #expect(plain.output == "[0, 1, 2]\n")
        let controlled = try await TestJail.run(["/usr/bin/python3", "-c", script]) { $0.wantsControl = true }
        #expect(controlled.output == "[0, 1, 2, 3]\n")
    }

    @Test("cannot list its root, write /usr or run what it writes") func files() async throws {
        let script = """
            ls / 2>/dev/null && echo listed
            touch /usr/bin/x 2>/dev/null && echo written
            touch /x 2>/dev/null && echo root
            cp /usr/bin/true /tmp/true && /tmp/true 2>/dev/null && echo ran
            test -e /root && echo root-home
            test -e /sys && echo sys
            cat /etc/passwd
            """
        let result = try await TestJail.shell(script)
        #expect(result.output == "worker:x:1000:1000:worker:/tmp:/usr/sbin/nologin\n")
    }

    @Test("has a private /tmp of the granted size") func temporary() async throws {
        let policy = try TestJail.policy { $0.limits.diskTotalBytes = 1 << 20 }
        let result = try await TestJail.shell(
            "echo first > /tmp/a; head -c 2000000 /dev/zero > /tmp/big 2>/dev/null; echo $?; stat -c %s /tmp/big",
            policy)
        #expect(result.output.hasPrefix("1\n") || result.output.hasPrefix("153\n"), "\(result.output)")
        #expect((Int(result.output.split(separator: "\n").last ?? "") ?? .max) <= 1 << 20)
        let next = try await TestJail.shell("ls -A /tmp", policy)
        #expect(next.output == "")
    }

    @Test("keeps its processes within the granted number") func processLimit() async throws {
        let policy = try TestJail.policy { $0.limits.subprocessMaximum = 8 }
        let script = """
            import os
            count = 0
            try:
                while count < 100:
                    if os.fork() == 0:
                        import signal; signal.pause()
                    count += 1
            except OSError as error:
                print(count, error.errno)
            """
        let result = try await TestJail.run(["/usr/bin/python3", "-c", script], policy)
        #expect(result.output == "7 11\n")
    }

    @Test("is ended when it uses more memory than granted") func memoryLimit() async throws {
        let policy = try TestJail.policy {
            $0.limits.memoryMaximumBytes = 48 << 20
            $0.limits.diskTotalBytes = 1 << 20
        }
        let result = try await TestJail.run(
            ["/usr/bin/python3", "-c", "b = bytearray(200 << 20); print('had it')"], policy)
        #expect(result.output == "")
        #expect(result.report.reason == .outOfMemory || result.error.contains("MemoryError"), "\(result.report.reason)")
    }

    @Test("runs on the granted cores only") func cores() async throws {
        let policy = try TestJail.policy { $0.limits.allowedCores = [0] }
        let result = try await TestJail.run(
            ["/usr/bin/python3", "-c", "import os; print(os.sched_getaffinity(0))"], policy)
        #expect(result.output == "{0}\n")
    }

    @Test("may make code at run time under jit, not under strict") func justInTime() async throws {
        let script =
            "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ|mmap.PROT_WRITE|mmap.PROT_EXEC); print('made')"
        let strict = try await TestJail.run(["/usr/bin/python3", "-c", script])
        #expect(strict.exitStatus == 1)
        let jit = try await TestJail.run(["/usr/bin/python3", "-c", script], try TestJail.policy(.jit))
        #expect(jit.output == "made\n")
    }
}

func readFile(_ path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    try #require(descriptor >= 0, "\(path): errno \(errno)")
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}

func readLink(_ path: String) throws -> String {
    var bytes = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &bytes, bytes.count)
    try #require(count > 0, "\(path): errno \(errno)")
    return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
