/// What the root of every jail looks like (Specs/sandbox.md, section 4.1).
package enum JailLayout {
    /// Where the worker's release is shown.
    package static let release = "/worker"

    /// Host folders and files shown read-only when they exist. A fixed part of /usr: programs, libraries and the data
    /// that they read; no headers, no sources, no administrator's tools, no local additions.
    package static let readOnly = [
        "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share/awk", "/usr/share/common-licenses",
        "/usr/share/i18n", "/usr/share/locale", "/usr/share/misc", "/usr/share/perl", "/usr/share/perl5",
        "/usr/share/python3", "/usr/share/terminfo", "/usr/share/zoneinfo", "/etc/alternatives", "/etc/ld.so.cache",
    ]

    /// Links: at the root as on a system with a merged /usr, then in /dev.
    package static let links: [(path: String, to: String)] = [
        ("/bin", "usr/bin"), ("/lib", "usr/lib"), ("/lib64", "usr/lib64"),
        // Names by which programs reach their descriptors and named shared memory.
        ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"), ("/dev/shm", "/tmp"),
    ]

    /// Devices every worker has.
    package static let devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"]

    /// Small files written into the jail.
    package static let files: [(path: String, text: String)] = [
        ("/etc/passwd", "worker:x:1000:1000:worker:/tmp:/usr/sbin/nologin\n"),
        ("/etc/group", "worker:x:1000:\n"),
        ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
        ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ]

    /// Refuses targets that would take the place of a part of the layout.
    package static func checkBindTarget(_ target: String) throws(FieldProblem) {
        let whole = ["/", "/tmp", "/usr"] + Self.links.map(\.path) + Self.readOnly
        let withContents = ["/proc", "/dev", "/sys", "/etc", "/worker"] + Self.links.map(\.path)
        guard !whole.contains(target), !withContents.contains(where: { AbsolutePath.isInside(target, $0) }) else {
            throw FieldProblem("\(target) is a part of every jail; give another target, as in SOURCE:/data")
        }
    }
}
