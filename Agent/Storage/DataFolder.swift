internal import Foundation
internal import Glibc
internal import Synchronization

/// The folder that holds everything of one agent, held by a lock as long as this value lives.
///
/// The folder is the agent's alone (mode 0700). The kernel drops the lock when the process ends, however it ends.
package final class DataFolder: Sendable {
    /// The absolute path.
    package let path: String
    /// Nil once it was let go.
    private let lock: Mutex<Int32?>

    private init(path: String, lock: Int32) {
        self.path = path
        self.lock = Mutex(lock)
    }

    deinit { self.release() }

    /// Lets another agent take the folder. Further calls do nothing.
    package func release() {
        let held = self.lock.withLock { lock in
            defer { lock = nil }
            return lock
        }
        if let held { close(held) }
    }

    /// Takes the folder, making it and those above it when they are not there.
    ///
    /// - Throws: ``StorageError/inUse(path:processID:)`` when another agent has it, ``StorageError/tooOpen(path:mode:)``,
    ///   ``StorageError/unusable(path:reason:)``.
    package static func open(_ path: String) throws(StorageError) -> DataFolder {
        let path = Self.absolute(path)
        try Self.make(path)
        try Self.check(path)
        let lockPath = path + "/agent.lock"
        let lock = Glibc.open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw Self.failure(lockPath) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            defer { close(lock) }
            guard errno == EWOULDBLOCK else { throw Self.failure(lockPath) }
            throw StorageError.inUse(path: path, processID: Self.processID(in: lock))
        }
        // For people only: the lock is what counts.
        let text = Array("\(getpid())\n".utf8)
        if ftruncate(lock, 0) == 0 { _ = pwrite(lock, text, text.count, 0) }
        return DataFolder(path: path, lock: lock)
    }

    /// The path of a file or folder in the folder.
    package func file(_ name: String) -> String { self.path + "/" + name }

    /// Makes a folder in the folder, for the agent alone, and returns its path.
    package func subfolder(_ name: String) throws(StorageError) -> String {
        let path = self.file(name)
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Self.failure(path) }
        return path
    }

    /// The path without `~`-less relativity: absolute, by the current folder.
    package static func absolute(_ path: String) -> String {
        let url = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        return (url as NSString).standardizingPath
    }

    private static func make(_ path: String) throws(StorageError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else { throw Self.failure(made) }
        }
    }

    private static func check(_ path: String) throws(StorageError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Self.failure(path) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .unusable(path: path, reason: "it is not a folder") }
        guard status.st_uid == geteuid() else { throw .unusable(path: path, reason: "it belongs to another user") }
        guard status.st_mode & 0o077 == 0 else {
            throw .tooOpen(path: path, mode: String(status.st_mode & 0o7777, radix: 8))
        }
    }

    private static func processID(in lock: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(lock, &bytes, bytes.count, 0)
        return Int32(String(decoding: bytes.prefix(max(0, count)).prefix { $0 > 0x20 }, as: UTF8.self))
    }

    static func failure(_ path: String) -> StorageError {
        let number = errno
        return number == ENOSPC || number == EDQUOT
            ? .diskFull(path: path) : .unusable(path: path, reason: String(cString: strerror(number)))
    }
}
