internal import ControlAPI
internal import Glibc
internal import Synchronization

/// The listening Unix socket `<data>/control.sock`: mode 0600 in a folder of mode 0700, usable however long the path is.
///
/// The socket is reached through `/proc/self/fd/<folder>`, because a socket address holds only 107 bytes of path.
final class ControlSocket: Sendable {
    static let fileName = "control.sock"
    /// Connections that may wait to be accepted.
    static let backlog: Int32 = 128

    private let folder: Int32
    private let listener: Mutex<Int32?>
    private let inode: UInt64

    /// Binds and listens. A socket file on which nobody answers is replaced.
    ///
    /// - Throws: `conflict` when somebody answers on it, `refused` when the folder is open to others.
    init(dataFolder: String) throws(ControlError) {
        let folder = unsafe open(dataFolder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else {
            throw ControlError(
                .invalid, "the data folder \(dataFolder) cannot be opened: \(SystemMessage.of(errno))",
                hint: "choose another with --data")
        }
        do throws(ControlError) {
            try Self.checkMode(of: folder, named: dataFolder)
            let listener = try Self.listen(in: folder, named: dataFolder)
            var status = stat()
            unsafe fstatat(folder, Self.fileName, &status, AT_SYMLINK_NOFOLLOW)
            self.inode = UInt64(status.st_ino)
            self.folder = folder
            self.listener = Mutex(listener)
        } catch {
            close(folder)
            throw error
        }
    }

    deinit {
        if let listener = self.listener.withLock({ $0 }) { close(listener) }
        close(self.folder)
    }

    /// Gives the listening descriptor away. The caller closes it.
    func takeListener() -> Int32? {
        self.listener.withLock { listener in
            defer { listener = nil }
            return listener
        }
    }

    /// Removes the file, unless another socket has taken its place.
    func remove() {
        var status = stat()
        guard unsafe fstatat(self.folder, Self.fileName, &status, AT_SYMLINK_NOFOLLOW) == 0,
            UInt64(status.st_ino) == self.inode
        else { return }
        unsafe unlinkat(self.folder, Self.fileName, 0)
    }

    private static func checkMode(of folder: Int32, named name: String) throws(ControlError) {
        var status = stat()
        guard unsafe fstat(folder, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw ControlError(
                .refused, "the data folder \(name) is open to others", hint: "run `chmod 700 \(name)` as its owner")
        }
    }

    private static func listen(in folder: Int32, named name: String) throws(ControlError) -> Int32 {
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure("opened", name) }
        do throws(ControlError) {
            // Linux gives the file the mode of the unbound socket, so there is no moment at which it is more open.
            guard fchmod(descriptor, 0o600) == 0 else { throw Self.failure("protected", name) }
            if unsafe Self.address(in: folder, bind, descriptor) != 0 {
                guard errno == EADDRINUSE else { throw Self.failure("bound", name) }
                try Self.replaceStale(in: folder, named: name)
                guard unsafe Self.address(in: folder, bind, descriptor) == 0 else { throw Self.failure("bound", name) }
            }
            guard Glibc.listen(descriptor, Self.backlog) == 0 else { throw Self.failure("listened on", name) }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Removes a socket file that a dead agent left behind.
    private static func replaceStale(in folder: Int32, named name: String) throws(ControlError) {
        var status = stat()
        guard unsafe fstatat(folder, Self.fileName, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw ControlError(
                .conflict, "\(name)/\(Self.fileName) is there and is no socket", hint: "move it away and start again")
        }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { throw Self.failure("probed", name) }
        defer { close(probe) }
        guard unsafe Self.address(in: folder, connect, probe) != 0, errno == ECONNREFUSED else {
            throw ControlError(
                .conflict, "another agent answers on \(name)/\(Self.fileName)",
                hint: "stop it, or choose another folder with --data")
        }
        unsafe unlinkat(folder, Self.fileName, 0)
    }

    /// Calls `bind` or `connect` with the address of the socket file.
    private static func address(
        in folder: Int32, _ call: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ descriptor: Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("/proc/self/fd/\(folder)/\(Self.fileName)".utf8)
        return unsafe withUnsafeMutableBytes(of: &address) { bytes in
            let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
            for (index, byte) in path.enumerated() { unsafe bytes[offset + index] = byte }
            let length = socklen_t(offset + path.count + 1)
            return unsafe call(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, length)
        }
    }

    private static func failure(_ verb: String, _ name: String) -> ControlError {
        let number = errno
        return ControlError(
            number == EMFILE || number == ENFILE || number == ENOSPC ? .exhausted : .internal,
            "\(name)/\(Self.fileName) cannot be \(verb): \(SystemMessage.of(number))",
            hint: "check the folder, the disk and `ulimit -n`")
    }
}
