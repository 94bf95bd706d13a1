/// Goes through a request field by field, collecting what is not granted.
struct PolicyDecision {
    let worker: String
    let grants: Grants
    let protected: ProtectedPaths
    private(set) var items: [PolicyRefusal.Item] = []

    init(worker: String, grants: Grants, protected: ProtectedPaths) {
        self.worker = worker
        self.grants = grants
        self.protected = protected
    }

    mutating func decide(_ request: SandboxRequest) -> EffectivePolicy {
        var policy = EffectivePolicy(profile: request.profile, protected: self.protected)
        self.checkProfile(request.profile)
        self.checkNetwork(request.network)
        policy.network = request.network
        policy.limits = self.limits(request.limits)
        for bind in request.binds { self.check(bind) }
        policy.binds = request.binds
        for device in request.devices { self.checkDevice(device) }
        policy.devices = request.devices.filter { !JailLayout.devices.contains($0) }
        return policy
    }

    private mutating func refuse(_ field: String, _ reason: String, grant: String) {
        self.items.append(
            .init(
                field: field, reason: reason,
                remedy: "the operator can write `\(grant)` under `workers: \"\(self.worker)\":` in policy.yaml"))
    }

    private mutating func refuseForGood(_ field: String, _ reason: String, _ remedy: String) {
        self.items.append(.init(field: field, reason: reason, remedy: remedy))
    }

    private mutating func checkProfile(_ profile: SandboxProfile) {
        guard profile.mustBeGranted, !self.grants.profiles.contains(profile) else { return }
        self.refuse(
            "sandbox.profile", "the profile \(profile.rawValue) (\(profile.summary)) is not granted",
            grant: "profile: [\(profile.rawValue)]")
    }

    private mutating func checkNetwork(_ network: NetworkAccess) {
        guard network != .none else { return }
        self.refuseForGood(
            "sandbox.network", "network access is not offered to workers yet",
            "remove the field; a worker talks to others through its agent")
    }

    // MARK: Limits

    private mutating func limits(_ request: StatedLimits) -> ResourceLimits {
        let ceilings = self.grants.limits
        var limits = ResourceLimits.standard
        self.check("process.cpu.weight", request.cpuWeight, ceilings.cpuWeight)
        limits.cpuWeight = request.cpuWeight
        self.check("process.cpu.max", request.cpuMaximumPercent, ceilings.cpuMaximumPercent) { "\($0)%" }
        // A ceiling below "no limit" holds for a worker that states none.
        limits.cpuMaximumPercent = request.cpuMaximumPercent ?? ceilings.cpuMaximumPercent
        if limits.cpuMaximumPercent == Grants.standard.limits.cpuMaximumPercent { limits.cpuMaximumPercent = nil }
        self.checkCores(request.allowedCores, ceilings.allowedCores)
        limits.allowedCores = request.allowedCores ?? ceilings.allowedCores
        self.check("process.memory.max", request.memoryMaximumBytes, ceilings.memoryMaximumBytes, ByteSize.text)
        limits.memoryMaximumBytes = Self.value(
            request.memoryMaximumBytes, standard: limits.memoryMaximumBytes, ceiling: ceilings.memoryMaximumBytes)
        self.check(
            "process.memory.soft_max", request.memorySoftMaximumBytes, ceilings.memorySoftMaximumBytes, ByteSize.text)
        limits.memorySoftMaximumBytes = request.memorySoftMaximumBytes
        self.check("process.subprocess.max", request.subprocessMaximum, ceilings.subprocessMaximum)
        limits.subprocessMaximum = Self.value(
            request.subprocessMaximum, standard: limits.subprocessMaximum, ceiling: ceilings.subprocessMaximum)
        self.check("process.io.weight", request.ioWeight, ceilings.ioWeight)
        limits.ioWeight = request.ioWeight
        self.check("disk.total", request.diskTotalBytes, ceilings.diskTotalBytes, ByteSize.text)
        limits.diskTotalBytes = Self.value(
            request.diskTotalBytes, standard: limits.diskTotalBytes, ceiling: ceilings.diskTotalBytes)
        return limits
    }

    /// What is requested, or the usual value, but never above the ceiling.
    private static func value<Value: Comparable>(_ request: Value?, standard: Value, ceiling: Value?) -> Value {
        min(request ?? standard, ceiling ?? request ?? standard)
    }

    private mutating func check<Value: Comparable>(
        _ field: String, _ request: Value?, _ ceiling: Value?, _ text: (Value) -> String = { "\($0)" }
    ) {
        guard let request, let ceiling, request > ceiling else { return }
        self.refuse(
            "limits.\(field)", "\(text(request)) is more than the granted \(text(ceiling))",
            grant: "limits: {\(field): \(text(request))}")
    }

    private mutating func checkCores(_ request: [Int]?, _ ceiling: [Int]?) {
        guard let request, let ceiling else { return }
        let missing = request.filter { !ceiling.contains($0) }
        guard !missing.isEmpty else { return }
        self.refuse(
            "limits.process.cpu.allowed_cores", "the cores \(missing) are not among the granted \(ceiling)",
            grant: "limits: {process.cpu.allowed_cores: \((ceiling + missing).sorted())}")
    }

    // MARK: Host paths

    private mutating func check(_ bind: BindMount) {
        let field = "sandbox.bind"
        if let protected = Self.conflict(bind.source, self.protected) {
            let relation = AbsolutePath.isInside(bind.source, protected) ? "lies in" : "contains"
            self.refuseForGood(
                field, "\(bind.source) \(relation) \(protected), which no worker may see",
                "no operator can grant it; put what the worker needs elsewhere or into its release")
            return
        }
        if AbsolutePath.isInside(bind.source, "/dev") {
            self.refuseForGood(
                field, "\(bind.source) is below /dev",
                "devices are requested by `device`; only \(JailLayout.devices.joined(separator: ", ")) exist")
            return
        }
        let covering = self.grants.binds.filter { AbsolutePath.isInside(bind.source, $0.path) }
        guard !covering.isEmpty else {
            self.refuse(
                field, "\(bind.source) of this machine is not granted",
                grant: "bind: [\"\(bind.source)\(bind.isWritable ? ":rw" : "")\"]")
            return
        }
        guard bind.isWritable, !covering.contains(where: \.isWritable) else { return }
        self.refuse(
            field, "\(bind.source) is granted for reading only", grant: "bind: [\"\(bind.source):rw\"]")
    }

    /// The protected path that `source` is, lies in or contains.
    static func conflict(_ source: String, _ protected: ProtectedPaths) -> String? {
        protected.all.first { AbsolutePath.isInside(source, $0) || AbsolutePath.isInside($0, source) }
    }

    private mutating func checkDevice(_ device: String) {
        guard !JailLayout.devices.contains(device) else { return }
        self.refuseForGood(
            "sandbox.device", "\(device) cannot be shown to a worker",
            "no operator can grant it; every worker has \(JailLayout.devices.joined(separator: ", "))")
    }
}
