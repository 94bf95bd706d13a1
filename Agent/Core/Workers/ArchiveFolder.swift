import Cryptography
import Glibc
import Hosting
import Wire

/// The archives of releases that this agent can give to other hosts: one file each, named by its content.
///
/// Its methods block on the disk: call them through ``offLoop(_:)``.
struct ArchiveFolder: Sendable {
    /// An absolute path.
    let folder: String

    /// Where the archive of a release lies or would lie.
    func path(of cid: CID) -> String { "\(self.folder)/\(cid).tar" }

    /// Where it is gathered while it comes from a host.
    func partialPath(of cid: CID) -> String { "\(self.folder)/\(cid).part" }

    /// A fresh name for an archive that is being packed. What is left of one goes at the next start.
    func packingPath() -> String {
        "\(self.folder)/\(SecureRandom.bytes(8).hexadecimal).packing"
    }

    /// Whether the archive is here.
    func contains(_ cid: CID) -> Bool { access(self.path(of: cid), R_OK) == 0 }

    /// Gives a packed or fetched archive its lasting name.
    func keep(_ path: String, as cid: CID) throws(ArchiveError) {
        guard rename(path, self.path(of: cid)) == 0 else { throw .last(path, "store it") }
    }

    /// Removes what was being packed when an agent ended.
    func removeLeftovers() {
        guard let folder = opendir(self.folder) else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            let name = String(decoding: bytes, as: UTF8.self)
            if name.hasSuffix(".packing") { unlink("\(self.folder)/\(name)") }
        }
    }

    /// Removes the archive of a release that nobody needs any more.
    func remove(_ cid: CID) {
        unlink(self.path(of: cid))
        unlink(self.partialPath(of: cid))
    }
}

/// Why an archive's file could not be used.
struct ArchiveError: Error, Sendable, CustomStringConvertible {
    let description: String

    static func last(_ path: String, _ purpose: String) -> ArchiveError {
        ArchiveError(description: "\(path): cannot \(purpose): \(String(cString: strerror(errno)))")
    }
}

/// Reads one archive from the disk, off the loop.
actor ArchiveFile {
    /// Read at once, in bytes.
    static let chunkBytes = 131_072

    private let descriptor: Int32
    /// Of the whole, in bytes.
    nonisolated let size: UInt64

    init(reading path: String) throws(ArchiveError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .last(path, "open it") }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size >= 0 else {
            close(descriptor)
            throw .last(path, "examine it")
        }
        self.descriptor = descriptor
        self.size = UInt64(status.st_size)
    }

    deinit { close(self.descriptor) }

    /// The bytes from an offset, at most ``chunkBytes``; empty at the end.
    func read(at offset: UInt64) throws(ArchiveError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.chunkBytes)
        let count = pread(self.descriptor, &bytes, bytes.count, off_t(clamping: offset))
        guard count >= 0 else { throw .last("the archive", "read it") }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}

/// Gathers one archive on the disk, off the loop. What is there already, from a transfer that broke, is kept.
actor ArchiveDownload {
    private let path: String
    private let descriptor: Int32
    nonisolated let size: UInt64
    private(set) var receivedByteCount: UInt64

    /// `size` is the size of the whole in bytes, as the signed descriptor says it.
    init(to path: String, size: UInt64) throws(ArchiveError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .last(path, "open it") }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            close(descriptor)
            throw .last(path, "examine it")
        }
        self.path = path
        self.descriptor = descriptor
        self.size = size
        self.receivedByteCount = UInt64(max(0, status.st_size)) <= size ? UInt64(max(0, status.st_size)) : 0
    }

    deinit { close(self.descriptor) }

    var isComplete: Bool { self.receivedByteCount == self.size }

    /// Drops what was gathered.
    func restart() throws(ArchiveError) {
        guard ftruncate(self.descriptor, 0) == 0 else { throw .last(self.path, "empty it") }
        self.receivedByteCount = 0
    }

    /// Adds bytes.
    ///
    /// - Throws: when there are more than the whole has, or the disk does not take them.
    func append(_ bytes: [UInt8]) throws(ArchiveError) {
        guard UInt64(bytes.count) <= self.size - self.receivedByteCount else {
            throw ArchiveError(description: "the host sends more than the release has")
        }
        var written = 0
        while written < bytes.count {
            let offset = off_t(clamping: self.receivedByteCount)
            let count = bytes[written...].withUnsafeBytes { pwrite(self.descriptor, $0.baseAddress, $0.count, offset) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .last(self.path, "write it") }
            written += count
            self.receivedByteCount += UInt64(count)
        }
    }
}

/// Runs something that blocks on a thread of the pool instead of the loop's.
@concurrent func offLoop<Value: Sendable, Failure: Error>(
    _ body: @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    try body()
}
