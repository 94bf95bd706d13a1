import Policy
import Testing

@Suite("The sandbox part of a manifest") struct ManifestRequestTests {
    private func parse(_ text: String) throws -> SandboxRequest {
        try SandboxRequest(parsing: text, file: "worker.yaml")
    }

    @Test(
        "asks for nothing when it is empty or absent",
        arguments: ["", "limits:\nsandbox:\n", "limits: {}\n", "# none\n"])
    func empty(text: String) throws { #expect(try self.parse(text) == SandboxRequest()) }

    @Test("is read whole") func whole() throws {
        let request = try self.parse(
            """
            limits:
              process:
                cpu: {weight: 200, max: 150%, allowed_cores: [3, 0-1]}
                memory: {max: 256M, soft_max: 200MiB}
                subprocess: {max: 16}
                io: {weight: 50}
              disk.total: 1G
            sandbox:
              profile: jit
              bind:
                - /srv/data//maps/./
                - /srv/in:/data:rw
              device: /dev/urandom
              network: none
            """)
        #expect(request.profile == .jit)
        #expect(request.limits.cpuWeight == 200)
        #expect(request.limits.cpuMaximumPercent == 150)
        #expect(request.limits.allowedCores == [0, 1, 3])
        #expect(request.limits.memoryMaximumBytes == 256 << 20)
        #expect(request.limits.memorySoftMaximumBytes == 200 << 20)
        #expect(request.limits.subprocessMaximum == 16)
        #expect(request.limits.ioWeight == 50)
        #expect(request.limits.diskTotalBytes == 1 << 30)
        #expect(
            request.binds == [
                BindMount(source: "/srv/data/maps", target: "/srv/data/maps", isWritable: false),
                BindMount(source: "/srv/in", target: "/data", isWritable: true),
            ])
        #expect(request.devices == ["/dev/urandom"])
    }

    @Test("names fields with dots or nested, alike") func dotted() throws {
        #expect(
            try self.parse("limits: {process.memory.max: 64M}")
                == self.parse("limits:\n  process:\n    memory:\n      max: 64M\n"))
        #expect(
            try self.parse("limits: {process: {memory.max: 64M}}") == self.parse("limits: {process.memory: {max: 64M}}")
        )
    }

    @Test(
        "is refused with line, field and what to write instead",
        arguments: [
            ("limits:\n  process:\n    memory: {max: lots}", 3, "limits.process.memory.max", "no size"),
            ("limits: {process.memory.max: 4095K}", 1, "limits.process.memory.max", "less than the least possible 4M"),
            ("limits: {process.memory.max: -1}", 1, "limits.process.memory.max", "no size"),
            ("limits: {process.memory.max: 2000T}", 1, "limits.process.memory.max", "more than"),
            ("limits: {process.memory.max: [1M]}", 1, "limits.process.memory.max", "not a single value"),
            ("limits: {process.cpu.max: 50}", 1, "limits.process.cpu.max", "such as 50%"),
            ("limits: {process.cpu.max: 0%}", 1, "limits.process.cpu.max", "from 1% to 102400%"),
            ("limits: {process.cpu.weight: 10001}", 1, "limits.process.cpu.weight", "from 1 to 10000"),
            (
                "limits: {process.cpu.allowed_cores: [1024]}", 1, "limits.process.cpu.allowed_cores",
                "core from 0 to 1023"
            ),
            ("limits: {process.cpu.allowed_cores: 3-1}", 1, "limits.process.cpu.allowed_cores", "range such as 0-3"),
            ("limits: {process.cpu.allowed_cores: []}", 1, "limits.process.cpu.allowed_cores", "names no core"),
            ("limits: {process.subprocess.max: 0}", 1, "limits.process.subprocess.max", "from 1 to 32768"),
            ("limits: {memory: 1G}", 1, "limits.memory", "is no field; the fields are disk.total"),
            ("limits: 1G", 1, "limits", "not a mapping"),
            ("sandbox:\n\n  profil: strict", 3, "sandbox.profil", "is no field"),
            ("sandbox: {profile: loose}", 1, "sandbox.profile", "none of strict, jit"),
            ("sandbox: {network: full}", 1, "sandbox.network", "none of none, outbound"),
            ("sandbox: {bind: [data]}", 1, "sandbox.bind", "not an absolute path"),
            ("sandbox: {bind: [/a/../b]}", 1, "sandbox.bind", "has .. in it"),
            ("sandbox: {bind: ['/a:/b:/c:rw']}", 1, "sandbox.bind", "not SOURCE"),
            ("sandbox: {bind: ['/a:/usr/bin']}", 1, "sandbox.bind", "part of every jail"),
            ("sandbox: {bind: ['/a:/etc/x']}", 1, "sandbox.bind", "part of every jail"),
            ("sandbox: {bind: [{source: /a}]}", 1, "sandbox.bind", "not a single value"),
            ("sandbox: {bind: ['/a:/x', '/b:/x']}", 1, "sandbox.bind", "target of two entries"),
            ("sandbox: {device: [urandom]}", 1, "sandbox.device", "not an absolute path"),
            (
                "limits: {process.cpu.weight: 1, process: {cpu.weight: 2}}", 1, "limits.process.cpu.weight",
                "given twice"
            ),
            ("limits: {a: 1, a: 2}", 1, "", "occur twice"),
            ("limits: {\n  process: [", 2, "", "not YAML"),
            ("name: x", 1, "name", "the fields are limits, sandbox"),
        ] as [(String, Int, String, String)])
    func refused(text: String, line: Int, field: String, problem: String) throws {
        let error = #expect(throws: PolicyTextError.self) { try self.parse(text) }
        #expect(error?.file == "worker.yaml")
        #expect(error?.field == field)
        #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "-")")
        if field != "" { #expect(error?.line == line, "\(error?.description ?? "-")") }
    }

    @Test("has as many binds as the bound says, not one more") func bindBound() throws {
        func text(_ count: Int) -> String {
            "sandbox:\n  bind:\n" + (0..<count).map { "    - /srv/\($0)\n" }.joined()
        }
        #expect(try self.parse(text(SandboxRequest.maximumBindCount)).binds.count == SandboxRequest.maximumBindCount)
        #expect(throws: PolicyTextError.self) { try self.parse(text(SandboxRequest.maximumBindCount + 1)) }
    }
}

@Suite("Sizes") struct ByteSizeTests {
    @Test(
        "are read with and without units",
        arguments: [
            ("0", 0), ("1", 1), ("1024", 1024), ("1K", 1024), ("3M", 3 << 20), ("2G", 2 << 30), ("1T", 1 << 40),
            ("64KiB", 64 << 10), ("64KB", 64 << 10), ("7B", 7), ("1024T", 1 << 50),
        ] as [(String, UInt64)])
    func read(text: String, bytes: UInt64) throws { #expect(try ByteSize.parse(text) == bytes) }

    @Test(
        "are refused when they are none or too large",
        arguments: [
            "", "K", "1.5G", "1 G", "1k", "-1", "+1", "0x10", "1iB", "1KK", "1025T", "18446744073709551616",
            "99999999T",
        ])
    func refused(text: String) { #expect(throws: FieldProblem.self) { try ByteSize.parse(text) } }

    @Test("are written as they are read", arguments: [0, 1, 1023, 1024, 1536, 64 << 20, 5 << 30, 1 << 50] as [UInt64])
    func written(bytes: UInt64) throws { #expect(try ByteSize.parse(ByteSize.text(bytes)) == bytes) }
}

@Suite("Paths in policies") struct AbsolutePathTests {
    @Test(
        "are normalised",
        arguments: [("/", "/"), ("//a", "/a"), ("/a/./b//c/", "/a/b/c"), ("/...", "/...")])
    func normalised(path: String, expected: String) throws { #expect(try AbsolutePath.normalised(path) == expected) }

    @Test(
        "are refused when relative, climbing, controlling or too long",
        arguments: [
            "", "a", "./a", "/a/..", "/../a", "/a\nb", "/a\u{0}b", "/" + String(repeating: "x", count: 4095),
        ])
    func refused(path: String) { #expect(throws: FieldProblem.self) { try AbsolutePath.normalised(path) } }

    @Test("may be as long as the kernel takes them") func longest() throws {
        let path = "/" + String(repeating: "x", count: AbsolutePath.maximumByteCount - 1)
        #expect(try AbsolutePath.normalised(path) == path)
    }

    @Test("contain whole names, not beginnings") func inside() {
        #expect(AbsolutePath.isInside("/a/b", "/a"))
        #expect(AbsolutePath.isInside("/a", "/a"))
        #expect(AbsolutePath.isInside("/a", "/"))
        #expect(!AbsolutePath.isInside("/ab", "/a"))
        #expect(!AbsolutePath.isInside("/", "/a"))
    }
}
