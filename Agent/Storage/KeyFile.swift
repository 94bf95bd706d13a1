internal import Cryptography
internal import Glibc
package import Identity

/// The agent's private key on disk: `identity.key`, as libp2p encodes a private key, mode 0600.
package enum KeyFile {
    /// The file's name in the data folder.
    package static let name = "identity.key"
    /// The longest file that is read as a key, in bytes.
    package static let fileBytes = 256

    /// Reads the key of a data folder.
    ///
    /// - Returns: nil when there is none.
    /// - Throws: ``StorageError/tooOpen(path:mode:)``, ``StorageError/brokenKey(path:reason:)``,
    ///   ``StorageError/unusable(path:reason:)``.
    package static func load(from folder: String) throws(StorageError) -> KeyPair? {
        let path = folder + "/" + Self.name
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw DataFolder.failure(path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw DataFolder.failure(path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .brokenKey(path: path, reason: "it is not a file") }
        guard status.st_mode & 0o077 == 0 else {
            throw .tooOpen(path: path, mode: String(status.st_mode & 0o7777, radix: 8))
        }
        guard status.st_size <= Self.fileBytes else {
            throw .brokenKey(path: path, reason: "it has \(status.st_size) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: Self.fileBytes)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw DataFolder.failure(path) }
        do {
            return try KeyPair(privateKeyProtobuf: Array(bytes.prefix(count)))
        } catch {
            throw .brokenKey(path: path, reason: "\(error)")
        }
    }

    /// Makes a key and keeps it. The file appears whole or not at all.
    ///
    /// - Throws: ``StorageError/unusable(path:reason:)`` when there is one already, ``StorageError/diskFull(path:)``.
    package static func create(in folder: String) throws(StorageError) -> KeyPair {
        let path = folder + "/" + Self.name
        let pair: KeyPair
        do {
            pair = try KeyPair(seed: SecureRandom.bytes(32))
        } catch {
            throw .brokenKey(path: path, reason: "\(error)")
        }
        let draft = path + ".new"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw DataFolder.failure(draft) }
        defer {
            close(descriptor)
            unlink(draft)
        }
        let bytes = pair.privateKeyProtobuf
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw DataFolder.failure(draft)
        }
        // Unlike a rename, a link never replaces a key that is there.
        guard link(draft, path) == 0 else { throw DataFolder.failure(path) }
        let parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if parent >= 0 {
            fsync(parent)
            close(parent)
        }
        return pair
    }

    /// The key of the folder, made at the first start.
    package static func loadOrCreate(in folder: String) throws(StorageError) -> KeyPair {
        if let pair = try Self.load(from: folder) { return pair }
        return try Self.create(in: folder)
    }
}
