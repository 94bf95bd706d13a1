import Glibc

/// The step at which the jail gave up and the kernel's reason, as reported by `dsmp-jail` (Specs/sandbox.md, section 7).
package struct JailFailure: Sendable, Hashable, CustomStringConvertible {
    /// The step's name, such as `mount-proc`.
    package let step: String
    /// The error number of the system call, 0 when none failed.
    package let errno: Int32
    /// What the step was working on, often a path; may be empty.
    package let detail: String

    package init(step: String, errno: Int32, detail: String) {
        self.step = step
        self.errno = errno
        self.detail = detail
    }

    /// Whether the jail was complete and only the worker's own program could not be run.
    package var concernsProgram: Bool { self.step == "program" || self.step == "exec" }

    package var description: String {
        let what = self.detail.isEmpty ? "" : " (\(self.detail))"
        return "the jail stopped at step \(self.step)\(what): \(Self.text(errno: self.errno)); \(self.advice)"
    }

    /// The kernel's name and words for an error number.
    package static func text(errno: Int32) -> String {
        guard errno != 0 else { return "not as the plan says" }
        let words = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "unknown error"
        return "\(words) (errno \(errno))"
    }

    /// What to do about it.
    package var advice: String {
        switch self.step {
        case "namespaces" where self.errno == EPERM || self.errno == ENOSYS || self.errno == EINVAL:
            "this kernel or container does not allow user namespaces; set kernel.unprivileged_userns_clone=1, "
                + "remove the container's restriction or run the agent as root"
        case "namespaces" where self.errno == ENOSPC:
            "raise user.max_user_namespaces"
        case "mounts-private" where self.errno == EPERM || self.errno == EACCES:
            "this system gives user namespaces no rights; set kernel.apparmor_restrict_unprivileged_userns=0 or run the "
                + "agent as root"
        case "id-map":
            "another process holds the namespace back; run the agent from a session without file capabilities"
        case "mount-proc":
            "this container hides parts of /proc; run it with /proc unmasked"
        case "bind-open" where self.errno == ELOOP:
            "a part of the path is a symbolic link; grant the real path"
        case "bind-open", "bind-check", "bind-mount":
            "grant a path that exists, is reachable for the agent's user and holds no protected folder"
        case "program" where self.errno == ENOENT, "exec" where self.errno == ENOENT:
            "the program, or the interpreter or loader it names, is not in the jail; put it into the worker's release"
        case "program", "exec":
            "make the program executable for every user"
        case "seccomp", "no-new-privileges":
            "this kernel lacks seccomp filters; workers need a kernel with CONFIG_SECCOMP_FILTER"
        case "plan":
            "dsmp and dsmp-jail do not belong together; install both from one release"
        default: "run `dsmp doctor` to see what this machine offers"
        }
    }
}
