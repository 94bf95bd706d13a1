/// What a profile does with system calls (Specs/sandbox.md, section 6.8). A call that no rule names fails with ENOSYS, as
/// on a kernel that does not have it, so that programs fall back to older calls.
package struct SyscallRules: Sendable, Hashable {
    /// A condition on one argument; the argument's upper bits count unless a mask leaves them out.
    package enum Condition: Sendable, Hashable {
        case equals(argument: UInt32, UInt64)
        /// `argument & mask == value`.
        case masked(argument: UInt32, mask: UInt64, UInt64)
    }

    /// One call under conditions that must all hold.
    package struct ConditionalCall: Sendable, Hashable {
        package let name: String
        package let conditions: [Condition]
    }

    /// Allowed whatever the arguments.
    package var allowed: [String]
    /// Allowed when one of the entries with the call's name holds.
    package var allowedWhen: [ConditionalCall]
    /// Refused with an error number that programs expect.
    package var refused: [(name: String, errno: UInt32)]
    /// Calls that no honest worker makes: the process is ended.
    package var fatal: [String]

    package static func == (left: Self, right: Self) -> Bool {
        left.allowed == right.allowed && left.allowedWhen == right.allowedWhen && left.fatal == right.fatal
            && left.refused.elementsEqual(right.refused, by: ==)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.allowed)
        hasher.combine(self.allowedWhen)
        hasher.combine(self.fatal)
    }

    /// The rules of a profile.
    package init(for profile: SandboxProfile) {
        self.allowed =
            Self.files + Self.descriptors + Self.waiting + Self.memory + Self.processes + Self.signals + Self.time
            + Self.identity + Self.connectedSockets
        self.allowedWhen = Self.conditional
        self.refused = Self.expectedRefusals
        self.fatal = Self.neverHonest
        switch profile {
        case .strict: self.allowedWhen += Self.memoryNeverWritableAndExecutable
        case .jit: self.allowed += ["mmap", "mprotect"]
        }
    }

    // MARK: Allowed

    private static let files = [
        "access", "chdir", "faccessat", "faccessat2", "fchdir", "fstat", "fstatfs", "getcwd", "getdents",
        "getdents64", "getxattr", "fgetxattr", "lgetxattr", "listxattr", "flistxattr", "llistxattr", "link", "linkat",
        "lstat", "newfstatat", "readlink", "readlinkat", "rename", "renameat",
        "renameat2", "rmdir", "stat", "statfs", "statx", "symlink", "symlinkat", "truncate", "umask", "unlink",
        "unlinkat", "utime", "utimensat", "utimes", "futimesat",
    ]
    private static let descriptors = [
        "close", "close_range", "copy_file_range", "dup", "dup2", "dup3", "fadvise64", "fallocate", "fcntl",
        "fdatasync",
        "flock", "fsync", "ftruncate", "lseek", "pipe", "pipe2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev",
        "pwritev2", "read", "readahead", "readv", "sendfile", "splice", "sync", "sync_file_range", "syncfs", "tee",
        "vmsplice", "write", "writev",
    ]
    private static let waiting = [
        "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd",
        "eventfd2",
        "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "poll", "ppoll", "pselect6", "select",
        "signalfd", "signalfd4", "timerfd_create", "timerfd_gettime", "timerfd_settime",
    ]
    private static let memory = [
        "brk", "madvise", "membarrier", "mincore", "mlock", "mlock2", "mremap", "msync", "munlock", "munmap",
    ]
    private static let processes = [
        "arch_prctl", "execve", "execveat", "exit", "exit_group", "fork", "futex", "futex_waitv", "get_robust_list",
        "getcpu", "getpriority", "getrlimit", "getrusage", "rseq", "sched_get_priority_max", "sched_get_priority_min",
        "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
        "sched_yield", "set_robust_list", "set_tid_address", "setrlimit", "setpgid", "setsid", "times", "vfork",
        "wait4", "waitid",
    ]
    private static let signals = [
        "kill", "pause", "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo",
        "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "sigaltstack", "tgkill", "tkill",
    ]
    private static let time = [
        "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "gettimeofday", "nanosleep",
        "setitimer", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime",
    ]
    private static let identity = [
        "capget", "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getrandom",
        "getresgid", "getresuid", "getsid", "gettid", "getuid", "sysinfo", "uname",
    ]
    /// On sockets that were handed over or made by socketpair: there is no call that makes or connects another one.
    private static let connectedSockets = [
        "getpeername", "getsockname", "getsockopt", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg",
        "setsockopt", "shutdown",
    ]
}
