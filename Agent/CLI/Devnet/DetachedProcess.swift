import CCommandSupport
package import ControlAPI
import Glibc

/// A process in a session of its own, known by its number and the time it started, so that a number that was given to
/// another process later is never signalled.
package struct DetachedProcess: Hashable {
    package let pid: Int32
    package let startTicks: UInt64

    package init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }

    /// Starts a program with its output appended to a log file.
    ///
    /// - Throws: `failed`, saying why.
    package static func start(_ path: String, _ arguments: [String], log: String) throws(ControlError)
        -> DetachedProcess
    {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // Whoever reads a pipe that this process was given must not wait for the detached one.
        dsmp_spawn_close_from(&actions, STDERR_FILENO + 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, dsmp_spawn_setsid() | Int16(POSIX_SPAWN_SETSIGDEF))
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: Int32 = 0
        let status = posix_spawn(&pid, path, &actions, &attributes, &words, environ)
        guard status == 0 else {
            throw ControlError(.failed, "\(path) cannot be started: \(String(cString: strerror(status)))")
        }
        return DetachedProcess(pid: pid, startTicks: Self.startTicks(of: pid) ?? 0)
    }

    /// Whether it still runs. A child that has ended is reaped first.
    package var isRunning: Bool {
        var status: Int32 = 0
        if waitpid(self.pid, &status, WNOHANG) == self.pid { return false }
        return Self.startTicks(of: self.pid) == self.startTicks
    }

    /// Sends a signal through a descriptor of the process, so that it cannot reach another one. False when it is gone.
    @discardableResult package func send(_ signal: Int32) -> Bool {
        guard let descriptor = self.descriptor() else { return false }
        defer { close(descriptor) }
        return dsmp_pidfd_send_signal(descriptor, signal) == 0
    }

    /// Ends it: asks first, then kills. Returns when it is gone. Blocks.
    ///
    /// - Parameter patienceMilliseconds: how long it may take to end by itself.
    /// - Returns: whether it was running.
    package func end(patienceMilliseconds: Int32) -> Bool {
        guard let descriptor = self.descriptor() else { return false }
        defer { close(descriptor) }
        _ = dsmp_pidfd_send_signal(descriptor, SIGTERM)
        _ = dsmp_pidfd_send_signal(descriptor, SIGCONT)
        if !Self.isGone(descriptor, withinMilliseconds: patienceMilliseconds) {
            _ = dsmp_pidfd_send_signal(descriptor, SIGKILL)
            _ = Self.isGone(descriptor, withinMilliseconds: -1)
        }
        var status: Int32 = 0
        waitpid(self.pid, &status, WNOHANG)
        return true
    }

    /// A descriptor of exactly this process (`pidfd_open`); nil when it is gone.
    private func descriptor() -> Int32? {
        let descriptor = dsmp_pidfd_open(self.pid)
        guard descriptor >= 0 else { return nil }
        // Checked after opening: from here on the descriptor means one process for good.
        guard self.isRunning else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    private static func isGone(_ descriptor: Int32, withinMilliseconds limit: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, limit) > 0
    }

    /// Field 22 of /proc/<pid>/stat; nil when there is no such process or it is a zombie.
    static func startTicks(of pid: Int32) -> UInt64? {
        guard let text = SmallFile.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return UInt64(fields[19])
    }
}
