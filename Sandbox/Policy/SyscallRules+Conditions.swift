extension SyscallRules {
    /// Every flag by which clone(2) makes a namespace. (CLONE_NEWTIME is clone3's alone.)
    private static let namespaceFlags: UInt64 = 0x7E02_0000
    /// The bits of a file mode that set the user or the group on execution.
    private static let elevatingModeBits: UInt64 = 0o6000
    private static let low32: UInt64 = 0xFFFF_FFFF

    private static func call(_ name: String, _ conditions: Condition...) -> ConditionalCall {
        ConditionalCall(name: name, conditions: conditions)
    }

    /// Allowed in every profile under conditions.
    static let conditional: [ConditionalCall] =
        [
            Self.call("clone", .masked(argument: 0, mask: Self.namespaceFlags, 0)),
            // Files that cannot be executed in place; without the flag memory could become a program.
            Self.call("memfd_create", .masked(argument: 1, mask: 0x8, 0x8)),
            // Only connected kinds: an unconnected one could be sent to a socket of the host in a shown folder.
            Self.call("socketpair", .equals(argument: 0, 1), .masked(argument: 1, mask: 0xF, 1)),
            Self.call("socketpair", .equals(argument: 0, 1), .masked(argument: 1, mask: 0xF, 5)),
            Self.call("sendto", .equals(argument: 4, 0)),
            // Own limits only; they can be lowered, never raised.
            Self.call("prlimit64", .masked(argument: 0, mask: Self.low32, 0)),
            // Asking for the present one.
            Self.call("personality", .masked(argument: 0, mask: Self.low32, Self.low32)),
            // No file gets the set-user-id or set-group-id bit, neither when it is made nor later.
            Self.call("open", .masked(argument: 2, mask: Self.elevatingModeBits, 0)),
            Self.call("openat", .masked(argument: 3, mask: Self.elevatingModeBits, 0)),
            Self.call("creat", .masked(argument: 1, mask: Self.elevatingModeBits, 0)),
            Self.call("mkdir", .masked(argument: 1, mask: Self.elevatingModeBits, 0)),
            Self.call("mkdirat", .masked(argument: 2, mask: Self.elevatingModeBits, 0)),
            Self.call("chmod", .masked(argument: 1, mask: Self.elevatingModeBits, 0)),
            Self.call("fchmod", .masked(argument: 1, mask: Self.elevatingModeBits, 0)),
            Self.call("fchmodat", .masked(argument: 2, mask: Self.elevatingModeBits, 0)),
            // S_IFIFO: named pipes, no devices.
            Self.call("mknod", .masked(argument: 1, mask: 0o176000, 0o010000)),
            Self.call("mknodat", .masked(argument: 2, mask: 0o176000, 0o010000)),
        ] + Self.controls + Self.processControls

    /// The codes of ioctl(2) that say something about a descriptor or change only it. None reaches a terminal's input.
    private static let controls: [ConditionalCall] = [
        0x5401,  // TCGETS, by which programs find out that a descriptor is no terminal.
        0x5413,  // TIOCGWINSZ
        0x541B,  // FIONREAD
        0x5421,  // FIONBIO
        0x5450,  // FIONCLEX
        0x5451,  // FIOCLEX
    ].map { Self.call("ioctl", .masked(argument: 1, mask: Self.low32, $0)) }

    /// The codes of prctl(2) that concern the caller's name, death and memory names only.
    private static let processControls: [ConditionalCall] = [
        1, 2,  // PR_SET_PDEATHSIG, PR_GET_PDEATHSIG
        3,  // PR_GET_DUMPABLE
        15, 16,  // PR_SET_NAME, PR_GET_NAME
        21,  // PR_GET_SECCOMP
        23,  // PR_CAPBSET_READ
        29, 30,  // PR_SET_TIMERSLACK, PR_GET_TIMERSLACK
        36, 37,  // PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER
        38, 39,  // PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS
        41, 42,  // PR_SET_THP_DISABLE, PR_GET_THP_DISABLE
        66,  // PR_GET_MDWE
        0x53_56_4D_41,  // PR_SET_VMA
    ].map { Self.call("prctl", .masked(argument: 0, mask: Self.low32, $0)) }

    /// PROT_WRITE and PROT_EXEC never together. On kernels before 6.3 this stands in for PR_SET_MDWE.
    static let memoryNeverWritableAndExecutable: [ConditionalCall] = ["mmap", "mprotect"].flatMap { name in
        [0, 2, 4].map { Self.call(name, .masked(argument: 2, mask: 0x6, $0)) }
    }

    // MARK: Refused

    /// Error numbers: EPERM 1, EAFNOSUPPORT 97, EOPNOTSUPP 95. clone3 is not here: the default, ENOSYS, makes the C
    /// library use clone, whose flags a filter can see.
    static let expectedRefusals: [(name: String, errno: UInt32)] =
        ["chown", "fchown", "fchownat", "lchown"].map { ($0, 1) }
        + ["setxattr", "fsetxattr", "lsetxattr", "removexattr", "fremovexattr", "lremovexattr"].map { ($0, 95) }
        + [("socket", 97)]

    /// Ways to change the kernel, to look into other processes or to leave a jail.
    static let neverHonest = [
        "acct", "add_key", "bpf", "chroot", "clock_settime", "delete_module", "fanotify_init", "finit_module",
        "fsconfig", "fsmount", "fsopen", "fspick", "init_module", "ioperm", "iopl", "io_uring_enter",
        "io_uring_register", "kcmp", "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "modify_ldt", "mount",
        "mount_setattr", "move_mount", "nfsservctl", "open_by_handle_at", "open_tree", "perf_event_open",
        "pivot_root", "process_vm_readv", "process_vm_writev", "ptrace", "quotactl", "quotactl_fd",
        "reboot", "request_key", "sethostname", "setdomainname", "setns", "settimeofday", "swapoff", "swapon", "syslog",
        "umount2", "unshare", "uselib", "userfaultfd", "vhangup",
    ]
}
