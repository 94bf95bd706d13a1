import Glibc
package import Policy

/// Turns policies into what the jail reads (Specs/sandbox.md, section 5.1).
package enum PolicyCompiler {
    private enum Section {
        static let flags: UInt16 = 10
        static let sizes: UInt16 = 11
        static let limits: UInt16 = 12
        static let mounts: UInt16 = 13
        static let protected: UInt16 = 14
        static let filter: UInt16 = 15
        static let processors: UInt16 = 16
        static let resources: UInt16 = 17
    }
    private enum MountKind: UInt8 { case bind = 1, link, file, device }
    private struct MountFlags: OptionSet {
        let rawValue: UInt8
        static let writable = MountFlags(rawValue: 1)
        static let optional = MountFlags(rawValue: 2)
        static let executable = MountFlags(rawValue: 4)
        static let follow = MountFlags(rawValue: 8)
    }

    /// Files and folders of the jail's root, which holds only mount points and a few small files: bytes, then entries.
    private static let rootBytes: UInt64 = 1 << 20
    private static let rootEntryCount: UInt64 = 2048
    /// One entry under /tmp for this many bytes of `disk.total`, and never fewer than the least.
    private static let bytesAnEntry: UInt64 = 16 << 10
    private static let leastEntryCount: UInt64 = 1024
    private static let processorMaskByteCount = 128

    /// Compiles one policy. Costs about a millisecond: do it when the policy changes, not when a worker starts.
    ///
    /// - Throws: ``LaunchError/agent(call:errno:)`` when libseccomp or the machine's memory gives out.
    package static func compile(_ policy: EffectivePolicy) throws(LaunchError) -> CompiledPolicy {
        let filter = try SeccompProgram.compile(SyscallRules(for: policy.profile))
        var writer = PlanWriter()
        writer.section(
            Section.flags, PlanWriter.payload { $0.append(UInt32(policy.profile == .strict ? 1 : 0)) })
        writer.section(Section.sizes, Self.sizes(policy.limits))
        writer.section(Section.limits, Self.processLimits(policy))
        writer.section(Section.mounts, Self.mounts(policy))
        writer.section(Section.protected, PlanWriter.payload(texts: policy.protected.all + ["/dev"]))
        writer.section(Section.filter, filter)
        if let cores = policy.limits.allowedCores { writer.section(Section.processors, Self.mask(of: cores)) }
        writer.section(Section.resources, Self.resources(policy.limits))
        return CompiledPolicy(bytes: writer.bytes)
    }

    private static func sizes(_ limits: ResourceLimits) -> [UInt8] {
        PlanWriter.payload { writer in
            writer.append(Self.rootBytes)
            writer.append(Self.rootEntryCount)
            writer.append(limits.diskTotalBytes)
            writer.append(max(Self.leastEntryCount, limits.diskTotalBytes / Self.bytesAnEntry))
        }
    }

    /// Limits of each process, soft and hard alike.
    private static func processLimits(_ policy: EffectivePolicy) -> [UInt8] {
        // Files in a shown folder may be large; private ones cannot be larger than all of them.
        let hasWritableBind = policy.binds.contains(where: \.isWritable)
        let fileSize = hasWritableBind ? UInt64(1 << 40) : policy.limits.diskTotalBytes
        let limits: [(resource: Int32, value: UInt64)] = [
            (1, fileSize),  // RLIMIT_FSIZE
            (4, 0),  // RLIMIT_CORE
            (7, UInt64(policy.limits.openFilesMaximum)),  // RLIMIT_NOFILE
            (8, 64 << 10),  // RLIMIT_MEMLOCK
            (11, 1024),  // RLIMIT_SIGPENDING
            (12, 0),  // RLIMIT_MSGQUEUE
            (13, 0),  // RLIMIT_NICE
            (14, 0),  // RLIMIT_RTPRIO
        ]
        return PlanWriter.payload { writer in
            for limit in limits {
                writer.append(UInt32(limit.resource))
                writer.append(limit.value)
            }
        }
    }

    private static func mounts(_ policy: EffectivePolicy) -> [UInt8] {
        PlanWriter.payload { writer in
            func add(_ kind: MountKind, _ flags: MountFlags, source: String, target: String) {
                writer.append(kind.rawValue)
                writer.append(flags.rawValue)
                writer.append(UInt16(0))
                writer.append(text: source)
                writer.append(text: target)
            }
            for path in JailLayout.readOnly {
                let isProgram = AbsolutePath.isInside(path, "/usr") && !AbsolutePath.isInside(path, "/usr/share")
                add(
                    .bind, isProgram ? [.optional, .follow, .executable] : [.optional, .follow], source: path,
                    target: path)
            }
            for link in JailLayout.links { add(.link, [], source: link.to, target: link.path) }
            for file in JailLayout.files { add(.file, [], source: file.text, target: file.path) }
            for device in JailLayout.devices + policy.devices { add(.device, [], source: device, target: device) }
            for bind in policy.binds {
                // What the worker can write it cannot execute.
                add(.bind, bind.isWritable ? [.writable] : [.executable], source: bind.source, target: bind.target)
            }
        }
    }

    private static func mask(of cores: [Int]) -> [UInt8] {
        var mask = [UInt8](repeating: 0, count: Self.processorMaskByteCount)
        for core in cores where mask.indices.contains(core / 8) { mask[core / 8] |= 1 << (core % 8) }
        return mask
    }

    private static func resources(_ limits: ResourceLimits) -> [UInt8] {
        PlanWriter.payload { writer in
            writer.append(limits.memoryMaximumBytes)
            writer.append(limits.memorySoftMaximumBytes ?? 0)
            writer.append(UInt32(clamping: limits.subprocessMaximum))
            writer.append(UInt32(clamping: limits.cpuWeight ?? 0))
            writer.append(UInt32(clamping: limits.cpuMaximumPercent ?? 0))
            writer.append(UInt32(clamping: limits.ioWeight ?? 0))
        }
    }
}
