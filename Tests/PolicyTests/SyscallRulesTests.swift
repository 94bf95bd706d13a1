import Policy
import Testing

@Suite("System call rules") struct SyscallRulesTests {
    @Test("put each call into one place only", arguments: SandboxProfile.allCases) func disjoint(
        profile: SandboxProfile
    ) {
        let rules = SyscallRules(for: profile)
        let places = rules.allowed + Array(Set(rules.allowedWhen.map(\.name))) + rules.refused.map(\.name) + rules.fatal
        #expect(Set(places).count == places.count)
    }

    @Test("never allow what leaves a jail", arguments: SandboxProfile.allCases) func dangerous(profile: SandboxProfile)
    {
        let rules = SyscallRules(for: profile)
        let possible = Set(rules.allowed + rules.allowedWhen.map(\.name))
        for name in [
            "accept", "accept4", "bind", "bpf", "chroot", "clone3", "connect", "fsopen", "init_module",
            "io_uring_setup",
            "keyctl", "listen", "mount", "open_by_handle_at", "open_tree", "openat2", "perf_event_open",
            "pidfd_getfd", "pidfd_open", "pivot_root", "process_vm_readv", "ptrace", "seccomp", "setns", "setuid",
            "socket",
            "umount2", "unshare", "userfaultfd",
        ] {
            #expect(!possible.contains(name), "\(name)")
        }
    }

    @Test("differ between the profiles only in memory that can be executed") func profiles() {
        let strict = SyscallRules(for: .strict)
        let jit = SyscallRules(for: .jit)
        #expect(Set(jit.allowed).subtracting(strict.allowed) == ["mmap", "mprotect"])
        #expect(Set(strict.allowedWhen.map(\.name)).subtracting(jit.allowedWhen.map(\.name)) == ["mmap", "mprotect"])
        #expect(strict.fatal == jit.fatal)
    }
}

@Suite("A worker's environment") struct WorkerEnvironmentTests {
    @Test("begins from nothing but the base") func base() {
        #expect(WorkerEnvironment().entries == WorkerEnvironment.base)
    }

    @Test(
        "never takes what steers the loader or the runtime",
        arguments: [
            "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GCONV_PATH", "GLIBC_TUNABLES", "MALLOC_CHECK_",
            "SWIFT_BACKTRACE",
            "LOCPATH", "NLSPATH", "HOSTALIASES", "HOME", "USER", "IFS", "ENV", "BASH_ENV", "A-B", "", "1A", "A B", "Ä",
            "A=B",
        ])
    func forbidden(name: String) {
        var environment = WorkerEnvironment()
        #expect(throws: FieldProblem.self) { try environment.set(name, to: "x") }
        #expect(environment == WorkerEnvironment())
    }

    @Test("takes other names, replaces, and ends at its bounds") func bounds() throws {
        var environment = WorkerEnvironment()
        try environment.set("PATH", to: "/worker/bin:/usr/bin")
        try environment.set("PATH", to: "/worker/bin")
        #expect(environment.entries.filter { $0.hasPrefix("PATH=") } == ["PATH=/worker/bin"])
        for index in 1..<WorkerEnvironment.maximumCount { try environment.set("V\(index)", to: "x") }
        #expect(throws: FieldProblem.self) { try environment.set("ONE_MORE", to: "x") }
        var long = WorkerEnvironment()
        try long.set("A", to: String(repeating: "x", count: WorkerEnvironment.maximumByteCount - 2))
        #expect(throws: FieldProblem.self) {
            try long.set("B", to: String(repeating: "x", count: WorkerEnvironment.maximumByteCount - 1))
        }
        #expect(throws: FieldProblem.self) { try long.set("C", to: "a\u{0}b") }
    }
}

@Suite("An explanation") struct ExplanationTests {
    @Test("says in words what a worker may do") func words() throws {
        var policy = EffectivePolicy(protected: try ProtectedPaths(own: ["/var/lib/dsmp"]))
        policy.binds = [
            BindMount(source: "/srv/in", target: "/data", isWritable: false),
            BindMount(source: "/srv/out", target: "/srv/out", isWritable: true),
        ]
        policy.limits.cpuMaximumPercent = 50
        policy.limits.allowedCores = [0, 2]
        let text = policy.explanation.joined(separator: "\n")
        for part in [
            "profile strict", "512M of memory", "64 processes and threads", "50 % of one core", "cores 0, 2",
            "read /srv/in as /data", "read and change /srv/out", "no network", "/var/lib/dsmp", "private /tmp of 64M",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(policy.explanation.allSatisfy { $0.hasSuffix(".") })
    }

    @Test("says that nothing of the machine is shown when it is so") func nothing() throws {
        let text = EffectivePolicy(protected: try ProtectedPaths(own: [])).explanation.joined()
        #expect(text.contains("no other file or folder"))
    }
}

@Suite("Protected paths") struct ProtectedPathsTests {
    @Test("are absolute, normalised and bounded in number") func bounds() throws {
        #expect(try ProtectedPaths(own: ["/a//b/"]).own == ["/a/b"])
        #expect(throws: FieldProblem.self) { try ProtectedPaths(own: ["data"]) }
        let most = (0..<ProtectedPaths.maximumOwnCount).map { "/p\($0)" }
        #expect(try ProtectedPaths(own: most).own.count == ProtectedPaths.maximumOwnCount)
        #expect(throws: FieldProblem.self) { try ProtectedPaths(own: most + ["/one-more"]) }
    }
}
