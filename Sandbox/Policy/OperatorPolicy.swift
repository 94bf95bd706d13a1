/// What the operator of this machine grants: the file policy.yaml (Specs/sandbox.md, section 2).
package struct OperatorPolicy: Sendable, Hashable {
    /// The grants of every worker.
    package var everyWorker = Grants.standard
    /// Further grants by worker name (`dsmp://…/name`, or the bare name for a worker published here), as written.
    package var workers: [NamedGrants] = []

    /// What applies without a policy.yaml: limits up to the built-in ceilings, nothing of the host.
    package init() {}

    /// The most workers named in one policy.
    package static let maximumWorkerCount = 1024

    /// The grants of one worker: those of every worker, with the worker's own added. A limit stated for the worker
    /// replaces the general one.
    package func grants(for worker: String) -> Grants {
        guard let own = self.workers.first(where: { $0.worker == worker })?.grants else { return self.everyWorker }
        return self.everyWorker.adding(own)
    }
}

/// Grants under the name of one worker.
package struct NamedGrants: Sendable, Hashable {
    package var worker: String
    package var grants: Grants

    package init(worker: String, grants: Grants) {
        self.worker = worker
        self.grants = grants
    }
}

/// A set of things granted.
package struct Grants: Sendable, Hashable {
    /// Profiles beyond those that need no grant.
    package var profiles: [SandboxProfile] = []
    /// Ceilings.
    package var limits = StatedLimits()
    /// Folders and files of the host. A grant covers everything below it; a writable one also covers reading.
    package var binds: [GrantedPath] = []
    /// Paths under /dev.
    package var devices: [String] = []
    package var networks: [NetworkAccess] = []

    package init() {}

    /// The built-in ceilings.
    package static let standard: Grants = {
        var grants = Grants()
        grants.limits.cpuWeight = 1000
        grants.limits.cpuMaximumPercent = 102_400
        grants.limits.memoryMaximumBytes = 2 << 30
        grants.limits.memorySoftMaximumBytes = 2 << 30
        grants.limits.subprocessMaximum = 256
        grants.limits.ioWeight = 500
        grants.limits.diskTotalBytes = 1 << 30
        return grants
    }()

    /// These grants with others added.
    package func adding(_ other: Grants) -> Grants {
        var sum = self
        sum.profiles += other.profiles
        sum.binds += other.binds
        sum.devices += other.devices
        sum.networks += other.networks
        sum.limits.cpuWeight = other.limits.cpuWeight ?? sum.limits.cpuWeight
        sum.limits.cpuMaximumPercent = other.limits.cpuMaximumPercent ?? sum.limits.cpuMaximumPercent
        sum.limits.allowedCores = other.limits.allowedCores ?? sum.limits.allowedCores
        sum.limits.memoryMaximumBytes = other.limits.memoryMaximumBytes ?? sum.limits.memoryMaximumBytes
        sum.limits.memorySoftMaximumBytes = other.limits.memorySoftMaximumBytes ?? sum.limits.memorySoftMaximumBytes
        sum.limits.subprocessMaximum = other.limits.subprocessMaximum ?? sum.limits.subprocessMaximum
        sum.limits.ioWeight = other.limits.ioWeight ?? sum.limits.ioWeight
        sum.limits.diskTotalBytes = other.limits.diskTotalBytes ?? sum.limits.diskTotalBytes
        return sum
    }
}

/// A file or folder of the host that workers may be shown.
package struct GrantedPath: Sendable, Hashable {
    /// Absolute, normalised.
    package var path: String
    package var isWritable: Bool

    package init(path: String, isWritable: Bool) {
        self.path = path
        self.isWritable = isWritable
    }

    /// Reads `PATH[:ro|:rw]`; the mode is `ro` when not given.
    package init(parsing text: String) throws(FieldProblem) {
        let isWritable = text.hasSuffix(":rw")
        let path = isWritable || text.hasSuffix(":ro") ? String(text.dropLast(3)) : text
        self.init(path: try AbsolutePath.normalised(path), isWritable: isWritable)
    }
}
