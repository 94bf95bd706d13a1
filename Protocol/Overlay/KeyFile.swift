import Glibc
package import Identity

/// The file that holds an agent's private key (Specs/identity.md, "Key file"). Blocks; call it at start.
package enum KeyFile {
    /// The name in the data folder.
    package static let name = "identity.key"
    /// The longest file that is read, in bytes.
    package static let maximumByteCount = 256

    /// The key in the file at `path`.
    ///
    /// - Throws: ``KeyFileError``.
    package static func read(_ path: String) throws(KeyFileError) -> KeyPair {
        // Not blocked by a pipe of that name.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? .missing(path: path) : .system("open", path: path, errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("read", path: path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .foreignOwner(path: path, userID: status.st_uid)
        }
        guard status.st_mode & 0o077 == 0 else { throw .openToOthers(path: path, mode: status.st_mode & 0o777) }

        var bytes = [UInt8](repeating: 0, count: self.maximumByteCount + 1)
        var byteCount = 0
        while byteCount < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress?.advanced(by: byteCount), buffer.count - byteCount)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system("read", path: path, errno: errno) }
            guard count > 0 else { break }
            byteCount += count
        }
        do {
            return try KeyPair(privateKeyProtobuf: Array(bytes.prefix(byteCount)))
        } catch {
            throw .malformed(path: path, error)
        }
    }

    /// Writes the key to a new file at `path`, mode 0600 and on the disk when this returns.
    ///
    /// - Throws: ``KeyFileError``; ``KeyFileError/alreadyExists(path:)`` rather than replacing any file.
    package static func create(_ path: String, _ keyPair: KeyPair) throws(KeyFileError) {
        let suffix = String(UInt64.random(in: .min ... .max), radix: 36)
        let temporary = "\(path).\(suffix).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system("create", path: temporary, errno: errno) }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        var bytes = keyPair.privateKeyProtobuf[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system("write", path: temporary, errno: errno) }
            bytes = bytes.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw .system("write", path: temporary, errno: errno) }
        // Unlike a rename, a link never replaces a file.
        guard link(temporary, path) == 0 else {
            throw errno == EEXIST ? .alreadyExists(path: path) : .system("create", path: path, errno: errno)
        }
        try self.syncFolder(of: path)
    }

    /// The key in the file at `path`, which is made when it is missing.
    ///
    /// - Parameters:
    ///   - path: in a folder that exists.
    ///   - makeSeed: 32 random bytes, asked for only when the file is missing.
    /// - Returns: the key, and whether it is new.
    /// - Throws: ``KeyFileError``.
    package static func readOrCreate(
        _ path: String, makeSeed: () -> [UInt8]
    ) throws(KeyFileError) -> (keyPair: KeyPair, isNew: Bool) {
        do throws(KeyFileError) {
            return (try self.read(path), false)
        } catch {
            guard case .missing = error else { throw error }
        }
        let keyPair: KeyPair
        do {
            keyPair = try KeyPair(seed: makeSeed())
        } catch {
            throw .malformed(path: path, .key(error))
        }
        do throws(KeyFileError) {
            try self.create(path, keyPair)
            return (keyPair, true)
        } catch {
            // Another process made it in between.
            guard case .alreadyExists = error else { throw error }
            return (try self.read(path), false)
        }
    }

    /// Makes the new name last through a power failure.
    private static func syncFolder(of path: String) throws(KeyFileError) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", path: folder, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("write", path: folder, errno: errno) }
    }
}
