import Glibc
import Synchronization

/// Reads one archive from the disk, off the loop. For any task.
final class ArchiveFile: Sendable {
    /// Read at once, in bytes.
    static let chunkBytes = 131_072

    private let descriptor: Int32
    /// Of the whole, in bytes.
    let size: UInt64

    private init(_ descriptor: Int32, size: UInt64) {
        self.descriptor = descriptor
        self.size = size
    }

    deinit { close(self.descriptor) }

    static func open(_ path: String) async throws(ArchiveError) -> ArchiveFile {
        try await offLoop { () throws(ArchiveError) in
            let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { throw .last(path, "open it") }
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_size >= 0 else {
                close(descriptor)
                throw .last(path, "examine it")
            }
            return ArchiveFile(descriptor, size: UInt64(status.st_size))
        }
    }

    /// The bytes from an offset, at most ``chunkBytes``; empty at the end.
    func read(at offset: UInt64) async throws(ArchiveError) -> [UInt8] {
        let descriptor = self.descriptor
        return try await offLoop { () throws(ArchiveError) in
            var bytes = [UInt8](repeating: 0, count: Self.chunkBytes)
            let count = pread(descriptor, &bytes, bytes.count, off_t(clamping: offset))
            guard count >= 0 else { throw .last("the archive", "read it") }
            bytes.removeLast(bytes.count - count)
            return bytes
        }
    }
}

/// Gathers one archive on the disk, off the loop. What is there already, from a transfer that broke, is kept. For one task
/// at a time.
final class ArchiveDownload: Sendable {
    private let path: String
    private let descriptor: Int32
    /// Of the whole in bytes, as the signed descriptor says it.
    let size: UInt64
    private let received: Mutex<UInt64>

    private init(_ descriptor: Int32, path: String, size: UInt64, received: UInt64) {
        self.descriptor = descriptor
        self.path = path
        self.size = size
        self.received = Mutex(received)
    }

    deinit { close(self.descriptor) }

    /// Opens what was gathered before, or begins.
    static func open(_ path: String, size: UInt64) async throws(ArchiveError) -> ArchiveDownload {
        try await offLoop { () throws(ArchiveError) in
            let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw .last(path, "open it") }
            var status = stat()
            guard fstat(descriptor, &status) == 0 else {
                close(descriptor)
                throw .last(path, "examine it")
            }
            let there = UInt64(max(0, status.st_size))
            return ArchiveDownload(descriptor, path: path, size: size, received: there <= size ? there : 0)
        }
    }

    /// How much was gathered, in bytes.
    var receivedByteCount: UInt64 { self.received.withLock { $0 } }
    var isComplete: Bool { self.receivedByteCount == self.size }

    /// Drops what was gathered.
    func restart() async throws(ArchiveError) {
        let (descriptor, path) = (self.descriptor, self.path)
        try await offLoop { () throws(ArchiveError) in
            guard ftruncate(descriptor, 0) == 0 else { throw .last(path, "empty it") }
        }
        self.received.withLock { $0 = 0 }
    }

    /// Adds bytes.
    ///
    /// - Throws: when there are more than the whole has, or the disk does not take them.
    func append(_ bytes: [UInt8]) async throws(ArchiveError) {
        let start = self.receivedByteCount
        guard UInt64(bytes.count) <= self.size - start else {
            throw ArchiveError(description: "the host sends more than the release has")
        }
        let (descriptor, path) = (self.descriptor, self.path)
        try await offLoop { () throws(ArchiveError) in
            var written = 0
            while written < bytes.count {
                let offset = off_t(clamping: start + UInt64(written))
                let count = bytes[written...].withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, offset) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw .last(path, "write it") }
                written += count
            }
        }
        self.received.withLock { $0 = start + UInt64(bytes.count) }
    }
}
