import CSeccomp
import Glibc
import Policy

/// Turns system call rules into the kernel's filter program with libseccomp.
enum SeccompProgram {
    private static let killProcess: UInt32 = 0x8000_0000  // SCMP_ACT_KILL_PROCESS
    private static let allow: UInt32 = 0x7FFF_0000  // SCMP_ACT_ALLOW
    private static let binaryTree: UInt32 = 2  // Of SCMP_FLTATR_CTL_OPTIMIZE.

    /// SCMP_ACT_ERRNO.
    private static func fail(with errno: UInt32) -> UInt32 { 0x0005_0000 | errno }

    /// The instructions for this machine's processor, 8 bytes each. Calls for another processor type or by another
    /// calling convention (ia32, x32) end the process.
    static func compile(_ rules: SyscallRules) throws(LaunchError) -> [UInt8] {
        guard let context = unsafe seccomp_init(Self.fail(with: UInt32(ENOSYS))) else {
            throw .agent(call: "seccomp_init", errno: ENOMEM)
        }
        defer { unsafe seccomp_release(context) }
        try Self.check("bad architecture", unsafe seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, Self.killProcess))
        try Self.check("optimise", unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, Self.binaryTree))
        for name in rules.allowed { try unsafe Self.add(context, Self.allow, name) }
        for call in rules.allowedWhen { try unsafe Self.add(context, Self.allow, call.name, call.conditions) }
        for (name, errno) in rules.refused { try unsafe Self.add(context, Self.fail(with: errno), name) }
        for name in rules.fatal { try unsafe Self.add(context, Self.killProcess, name) }
        return try unsafe Self.export(context)
    }

    private static func check(_ what: String, _ status: Int32) throws(LaunchError) {
        guard status == 0 else { throw .agent(call: "libseccomp (\(what))", errno: -status) }
    }

    private static func add(
        _ context: scmp_filter_ctx, _ action: UInt32, _ name: String, _ conditions: [SyscallRules.Condition] = []
    ) throws(LaunchError) {
        let number = unsafe seccomp_syscall_resolve_name(name)
        // Unknown to this libseccomp, or not a call of this processor: the default refuses it.
        guard number != __NR_SCMP_ERROR, number >= 0 else { return }
        let comparisons = conditions.map(Self.comparison)
        let status = unsafe comparisons.withUnsafeBufferPointer { comparisons in
            unsafe seccomp_rule_add_array(
                context, action, number, UInt32(comparisons.count), comparisons.baseAddress)
        }
        try Self.check(name, status)
    }

    private static func comparison(_ condition: SyscallRules.Condition) -> scmp_arg_cmp {
        switch condition {
        case .equals(let argument, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
        case .masked(let argument, let mask, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: value)
        }
    }

    private static func export(_ context: scmp_filter_ctx) throws(LaunchError) -> [UInt8] {
        let file = MemoryFile(name: "dsmp-filter")
        guard file.descriptor >= 0 else { throw .agent(call: "memfd_create", errno: -file.descriptor) }
        try Self.check("export", unsafe seccomp_export_bpf(context, file.descriptor))
        return try file.contents()
    }
}
