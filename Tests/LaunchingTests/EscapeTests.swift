import Glibc
import Launching
import Policy
import Testing

/// What a hostile worker may find (Specs/sandbox.md, section 8). A name that the table lacks, or one that the worker
/// lacks, fails the suite, so that no attempt goes unnoticed.
@Suite("A hostile worker") struct EscapeTests {
    private static let fatal = "signal \(SIGSYS)"

    /// Attempt, then the outcomes that mean it was stopped.
    private static let expected: [(name: String, outcomes: [String])] =
        [
            "read-shadow", "read-root-home", "read-secret", "see-sys", "core-pattern", "sysrq", "kernel-core",
            "release-agent", "terminal-maker", "own-terminal", "disk-device", "memory-device", "hypervisor-device",
            "link-out", "init-root-shadow", "init-memory",
        ].map { ($0, ["errno \(ENOENT)", "errno \(EACCES)"]) }
        + ["own-program-write", "create-in-usr", "create-in-root", "create-in-worker", "kill-preference"].map {
            ($0, ["errno \(EROFS)", "errno \(EACCES)"])
        }
        + [
            "host-processes", "become-root", "leaked-descriptors", "folder-outside", "climb-out", "leave-parent",
        ].map { ($0, ["contained"]) }
        + [
            ("hard-link-su", ["errno \(EXDEV)", "errno \(EACCES)"]), ("file-capability", ["errno \(EOPNOTSUPP)"]),
            ("run-from-tmp", ["errno \(EACCES)"]), ("load-from-tmp", ["errno \(EPERM)"]),
            ("executable-later", ["errno \(EACCES)"]), ("kill-init", ["contained", "errno \(EPERM)"]),
            ("signal-strangers", ["errno \(ESRCH)"]), ("privileges-again", ["errno \(EINVAL)"]),
            ("more-descriptors", ["errno \(EPERM)"]), ("descriptors", ["errno \(EMFILE)"]),
            ("files", ["errno \(ENOSPC)"]), ("disk", ["errno \(ENOSPC)"]), ("one-big-file", ["errno \(EFBIG)"]),
            ("processes", ["errno \(EAGAIN)"]), ("memory", ["signal \(SIGKILL)", "errno \(ENOMEM)"]),
        ]
        + [
            "mount-memory", "remount-usr", "mount-cgroup", "unmount-proc", "pivot", "change-root", "open-file-system",
            "clone-tree", "unshare-user", "join-namespace", "handle-open", "keys", "add-key", "kernel-program",
            "performance-events", "fault-handler", "load-module", "load-module-bytes", "load-kernel", "ports",
            "segments", "host-name", "kernel-log", "watch-files", "compare-kernel-objects", "quota", "set-clock",
            "call-32-bit", "call-x32", "trace-init", "trace-parent", "be-traced", "read-init",
        ].map { ($0, [Self.fatal]) }
        + [
            "block-device", "set-user-bit", "open-with-user-bit", "run-from-memory", "clone-user", "clone3-user",
            "terminal-input", "terminal-input-wide", "console-paste", "io-ring", "fixed-addresses",
            "writable-and-executable", "executable-memory-file", "permissive-filter", "take-descriptor",
            "raise-capabilities", "dump-as-root", "change-user", "change-group", "change-groups", "real-time",
            "first-in-line", "lock-everything", "shared-memory", "limits-of-init", "datagram-pair", "connect-pair",
            "send-elsewhere", "listen-here",
        ].map { ($0, ["errno \(ENOSYS)"]) }
        + ["tcp", "tcp6", "udp", "multipath", "raw", "netlink", "packet", "hypervisor", "cipher", "local"].map {
            ($0, ["errno \(EAFNOSUPPORT)"])
        }

    @Test("gets nowhere", arguments: SandboxProfile.allCases) func hostile(profile: SandboxProfile) async throws {
        let release = try TemporaryFolder()
        let secret = try TemporaryFolder()
        try release.copy(TestJail.products + "hostile-worker", as: "hostile")
        try secret.write("secret", to: "key")
        let policy = try TestJail.policy(profile, protected: [secret.path]) {
            $0.limits.memoryMaximumBytes = 64 << 20
            $0.limits.diskTotalBytes = 8 << 20
            $0.limits.subprocessMaximum = 32
        }
        let result = try await TestJail.run(["/worker/hostile", "--secret", secret.path + "/key"], policy) {
            $0.releaseFolder = release.path
            $0.wantsControl = true
        }
        #expect(result.exitStatus == 0, "\(result.report.reason) \(result.error)")
        var outcomes = Self.outcomes(result.output)
        for (name, stopped) in Self.expected {
            let outcome = outcomes.removeValue(forKey: name)
            let isCodeAllowed = profile == .jit && ["writable-and-executable", "executable-later"].contains(name)
            #expect(
                isCodeAllowed ? outcome == "available" : stopped.contains(outcome ?? ""), "\(name): \(outcome ?? "-")")
        }
        #expect(outcomes.isEmpty, "attempts without an expectation: \(outcomes)")
    }

    /// The attempts themselves work: outside a jail, by an ordinary user, they succeed.
    @Test("gets somewhere without a jail", .enabled(if: geteuid() == 0)) func unconfined() async throws {
        let folder = try TemporaryFolder()
        try folder.copy(TestJail.products + "hostile-worker", as: "hostile")
        let output = try TemporaryFile()
        let status = try await Command.run(
            "/usr/bin/setpriv",
            ["--reuid", "1001", "--regid", "1001", "--clear-groups", "\(folder.path)/hostile", "--harmless"],
            output: output.descriptor)
        #expect(status == 0)
        let outcomes = Self.outcomes(try output.text())
        #expect(outcomes.count >= 25)
        for (name, outcome) in outcomes.sorted(by: { $0.key < $1.key }) {
            #expect(outcome == "available", "\(name) fails without a jail too, so its refusal shows nothing")
        }
    }

    private static func outcomes(_ output: String) -> [String: String] {
        var outcomes: [String: String] = [:]
        for line in output.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            outcomes[parts[0]] = parts.count == 2 ? parts[1] : ""
        }
        return outcomes
    }
}
