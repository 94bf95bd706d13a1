import Policy
import Testing

@Suite("What an operator grants") struct OperatorPolicyTests {
    private let protected: ProtectedPaths

    init() throws { self.protected = try ProtectedPaths(own: ["/var/lib/dsmp", "/run/dsmp/control.sock"]) }

    private func decide(_ request: String, _ policy: String = "version: 1\n", worker: String = "wordfreq") throws
        -> EffectivePolicy
    {
        try OperatorPolicy(parsing: policy, file: "policy.yaml").decide(
            SandboxRequest(parsing: request, file: "worker.yaml"), worker: worker, protected: self.protected)
    }

    /// The single refusal of a request.
    private func refusal(_ request: String, _ policy: String = "version: 1\n") throws -> PolicyRefusal.Item? {
        do {
            _ = try self.decide(request, policy)
        } catch let refusal as PolicyRefusal {
            #expect(refusal.items.count == 1, "\(refusal)")
            #expect(refusal.description.contains(refusal.items[0].remedy))
            return refusal.items.first
        }
        return nil
    }

    @Test("is the standard policy for a worker that asks for nothing") func nothing() throws {
        let policy = try self.decide("")
        #expect(policy.profile == .strict)
        #expect(policy.limits == .standard)
        #expect(policy.binds.isEmpty)
        #expect(policy.devices.isEmpty)
        #expect(policy.network == .none)
        #expect(policy.protected.all == ["/root", "/sys", "/proc", "/var/lib/dsmp", "/run/dsmp/control.sock"])
    }

    @Test(
        "bounds every limit at its ceiling",
        arguments: [
            ("process.cpu.weight", "1000", "1001"), ("process.memory.max", "2G", "2049M"),
            ("process.memory.soft_max", "2G", "2049M"), ("process.subprocess.max", "256", "257"),
            ("process.io.weight", "500", "501"), ("disk.total", "1G", "1025M"),
        ])
    func ceilings(field: String, allowed: String, refused: String) throws {
        #expect(try self.refusal("limits: {\(field): \(allowed)}") == nil)
        let item = try self.refusal("limits: {\(field): \(refused)}")
        #expect(item?.field == "limits.\(field)")
        #expect(item?.reason == "\(refused) is more than the granted \(allowed)")
        #expect(item?.remedy.contains("limits: {\(field): \(refused)}") == true)
        // The remedy, taken literally, helps.
        #expect(
            try self.refusal(
                "limits: {\(field): \(refused)}",
                "version: 1\nworkers: {wordfreq: {limits: {\(field): \(refused)}}}") == nil)
    }

    @Test("holds for a worker that states no limit of its own") func ceilingBelowStandard() throws {
        let policy = try self.decide(
            "",
            "version: 1\nevery_worker: {limits: {process.memory.max: 64M, process.subprocess.max: 4, disk.total: 1M, process.cpu.max: 25%, process.cpu.allowed_cores: [1]}}"
        )
        #expect(policy.limits.memoryMaximumBytes == 64 << 20)
        #expect(policy.limits.subprocessMaximum == 4)
        #expect(policy.limits.diskTotalBytes == 1 << 20)
        #expect(policy.limits.cpuMaximumPercent == 25)
        #expect(policy.limits.allowedCores == [1])
    }

    @Test("names the cores that are missing") func cores() throws {
        let grant = "version: 1\nevery_worker: {limits: {process.cpu.allowed_cores: [0, 1]}}"
        #expect(try self.refusal("limits: {process.cpu.allowed_cores: [1]}", grant) == nil)
        let item = try self.refusal("limits: {process.cpu.allowed_cores: [1, 2]}", grant)
        #expect(item?.reason == "the cores [2] are not among the granted [0, 1]")
        #expect(item?.remedy.contains("process.cpu.allowed_cores: [0, 1, 2]") == true)
    }

    @Test("lets a profile weaker than strict be used only by name") func profile() throws {
        let item = try self.refusal("sandbox: {profile: jit}")
        #expect(item?.field == "sandbox.profile")
        #expect(item?.remedy.contains("profile: [jit]") == true)
        #expect(try self.refusal("sandbox: {profile: jit}", "version: 1\nworkers: {wordfreq: {profile: jit}}") == nil)
        #expect(try self.refusal("sandbox: {profile: jit}", "version: 1\nworkers: {other: {profile: jit}}") != nil)
        #expect(try self.refusal("sandbox: {profile: jit}", "version: 1\nevery_worker: {profile: [jit]}") == nil)
    }

    @Test(
        "covers what lies below a granted folder, in the granted mode",
        arguments: [
            ("/srv/data", true), ("/srv/data/in/deep", true), ("/srv/data:rw", false), ("/srv/database", false),
            ("/srv", false),
            ("/srv/out/x:rw", true), ("/srv/out:ro", true),
        ])
    func binds(bind: String, isGranted: Bool) throws {
        let item = try self.refusal(
            "sandbox: {bind: ['\(bind)']}", "version: 1\nevery_worker: {bind: [/srv/data, '/srv/out:rw']}")
        #expect((item == nil) == isGranted, "\(String(describing: item))")
        guard !isGranted else { return }
        #expect(item?.field == "sandbox.bind")
        #expect(item?.remedy.contains("under `workers: \"wordfreq\":`") == true)
    }

    @Test(
        "never covers what no operator can grant",
        arguments: [
            "/", "/root", "/root/data", "/sys", "/sys/fs/cgroup", "/proc", "/proc/1/root", "/var", "/var/lib",
            "/var/lib/dsmp", "/var/lib/dsmp/workers/other", "/run/dsmp", "/run/dsmp/control.sock", "/dev", "/dev/mem",
            "/dev/null",
        ])
    func never(path: String) throws {
        // Past the file's parser, which refuses some of these: the decision must hold alone.
        var policy = OperatorPolicy()
        policy.everyWorker.binds = [GrantedPath(path: "/", isWritable: true)]
        var request = SandboxRequest()
        request.binds = [BindMount(source: path, target: "/data", isWritable: false)]
        let refusal = #expect(throws: PolicyRefusal.self) {
            try policy.decide(request, worker: "wordfreq", protected: self.protected)
        }
        #expect(refusal?.items.count == 1)
        #expect(refusal?.items.first?.remedy.contains("no operator") == true || path.hasPrefix("/dev"))
    }

    @Test("grants the five devices to all and others to none") func devices() throws {
        #expect(try self.decide("sandbox: {device: [/dev/null, /dev/urandom]}").devices.isEmpty)
        for device in ["/dev/mem", "/dev/kvm", "/dev/fuse", "/dev", "/dev/nullx", "/etc/passwd"] {
            let item = try self.refusal(
                "sandbox: {device: [\(device)]}", "version: 1\nevery_worker: {device: [\(device)]}")
            #expect(item?.field == "sandbox.device")
        }
    }

    @Test("offers no network yet, and says so") func network() throws {
        #expect(try self.refusal("sandbox: {network: outbound}")?.field == "sandbox.network")
        #expect(
            try self.refusal("sandbox: {network: outbound}", "version: 1\nevery_worker: {network: [outbound]}") != nil)
    }

    @Test("reports everything that is missing at once") func all() throws {
        let refusal = #expect(throws: PolicyRefusal.self) {
            try self.decide(
                "limits: {process.memory.max: 8G, disk.total: 8G}\nsandbox: {profile: jit, bind: [/srv/a, /root]}")
        }
        #expect(
            refusal?.items.map(\.field) == [
                "sandbox.profile", "limits.process.memory.max", "limits.disk.total", "sandbox.bind", "sandbox.bind",
            ])
    }

    @Test("adds a worker's own grants to the general ones") func merging() throws {
        let policy = """
            version: 1
            every_worker: {limits: {process.memory.max: 1G, disk.total: 10M}, bind: [/srv/all]}
            workers:
              dsmp://peer/wordfreq: {limits: {process.memory.max: 4G}, bind: ['/srv/own:rw']}
            """
        let request = "limits: {process.memory.max: 3G}\nsandbox: {bind: [/srv/all, '/srv/own:rw']}"
        let granted = try self.decide(request, policy, worker: "dsmp://peer/wordfreq")
        #expect(granted.limits.memoryMaximumBytes == 3 << 30)
        #expect(granted.limits.diskTotalBytes == 10 << 20)
        #expect(granted.binds.count == 2)
        #expect(throws: PolicyRefusal.self) { try self.decide(request, policy, worker: "dsmp://peer/other") }
    }

    @Test(
        "is refused with line and field when the file is wrong",
        arguments: [
            ("every_worker: {}", "version", "is missing"),
            ("version: 2", "version", "from 1 to 1"),
            ("version: 1\ngrants: {}", "grants", "is no field"),
            ("version: 1\nworkers: [a]", "workers", "not a mapping"),
            ("version: 1\nworkers: {a: {limits: {disk.total: x}}}", "workers.a.limits.disk.total", "no size"),
            ("version: 1\nworkers: {a: {bind: [/root/x]}}", "workers.a.bind", "never granted"),
            ("version: 1\nevery_worker: {bind: [/]}", "every_worker.bind", "never granted"),
            ("version: 1\nevery_worker: {profile: none}", "every_worker.profile", "none of strict, jit"),
        ] as [(String, String, String)])
    func wrongFile(text: String, field: String, problem: String) throws {
        let error = #expect(throws: PolicyTextError.self) { try OperatorPolicy(parsing: text, file: "policy.yaml") }
        #expect(error?.field == field)
        #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "-")")
        #expect((error?.line ?? 0) >= 1)
    }
}
