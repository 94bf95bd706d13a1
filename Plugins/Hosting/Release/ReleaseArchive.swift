import Cryptography
import Glibc
package import Wire

/// A worker's folder as one file with one name for its content (Specs/release.md).
///
/// Packing and unpacking block the caller on disk I/O: call them on a thread of their own, not on an event loop.
package struct ReleaseArchive: Sendable, Hashable {
    /// CIDv1, codec raw, SHA-256 of the whole archive.
    package let cid: CID
    package let byteCount: UInt64
    package let fileCount: Int

    /// Packs a folder into a new file; memory does not grow with the folder's size.
    ///
    /// - Parameters:
    ///   - folder: holds `worker.yaml`.
    ///   - output: the path of the archive. Replaced when it exists; removed when packing fails.
    ///   - limits: what is refused.
    /// - Returns: the archive's name and size.
    /// - Throws: ``ReleaseError``, with the path that is in the way.
    package static func pack(
        folder: String, to output: String, limits: ReleaseLimits = ReleaseLimits()
    ) throws(ReleaseError) -> ReleaseArchive {
        let sink: ArchiveSink
        do throws(FileError) { sink = try ArchiveSink(path: output) } catch { throw .file(error) }
        do throws(ReleaseError) {
            return try self.pack(folder: folder, limits: limits, into: sink)
        } catch {
            sink.discard()
            throw error
        }
    }

    /// The name that a folder would have, without writing its archive.
    package static func identify(
        folder: String, limits: ReleaseLimits = ReleaseLimits()
    ) throws(ReleaseError) -> ReleaseArchive {
        try self.pack(folder: folder, limits: limits, into: ArchiveSink())
    }

    private static func pack(
        folder: String, limits: ReleaseLimits, into sink: ArchiveSink
    ) throws(ReleaseError) -> ReleaseArchive {
        var walk = FolderWalk(limits: limits)
        let entries = try walk.entries(below: folder)
        guard entries.contains(where: { $0.path == Array(ManifestLimits.fileName.utf8) }) else {
            throw .refused(
                path: folder, reason: "it has no \(ManifestLimits.fileName)", remedy: "`dsmp worker new` makes one")
        }
        do throws(FileError) {
            for entry in entries {
                try sink.write(entry.header())
                try sink.copy(folder + "/" + String(decoding: entry.path, as: UTF8.self), byteCount: entry.byteCount)
                try sink.write([UInt8](repeating: 0, count: entry.paddingBytes))
            }
            try sink.write([UInt8](repeating: 0, count: 2 * ReleaseEntry.blockBytes))
            let (digest, byteCount) = try sink.finish()
            return ReleaseArchive(cid: Self.cid(digest), byteCount: byteCount, fileCount: entries.count)
        } catch { throw .file(error) }
    }

    static func cid(_ digest: [UInt8]) -> CID {
        do { return try CID.raw(sha256: digest) } catch { preconditionFailure("a SHA-256 has 32 bytes: \(error)") }
    }
}

/// Where an archive is written: hashes and counts what goes through.
private final class ArchiveSink {
    private let path: String
    private let descriptor: Int32
    private var digest: SHA256? = SHA256()
    private var byteCount: UInt64 = 0
    private var buffer: [UInt8] = []

    /// Writes nothing, only hashes.
    init() {
        self.path = ""
        self.descriptor = -1
    }

    init(path: String) throws(FileError) {
        self.path = path
        self.descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard self.descriptor >= 0 else { throw .last(path, "create it") }
        self.buffer.reserveCapacity(ReleaseLimits.chunkBytes)
    }

    deinit { if self.descriptor >= 0 { close(self.descriptor) } }

    func write(_ bytes: [UInt8]) throws(FileError) {
        self.buffer.append(contentsOf: bytes)
        if self.buffer.count >= ReleaseLimits.chunkBytes { try self.flush() }
    }

    /// Copies a file that must have exactly that many bytes, as it had when the folder was listed.
    func copy(_ path: String, byteCount: UInt64) throws(FileError) {
        let source = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard source >= 0 else { throw .last(path, "open it") }
        defer { close(source) }
        var left = byteCount
        var chunk = [UInt8](repeating: 0, count: ReleaseLimits.chunkBytes)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(source, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last(path, "read it") }
            guard UInt64(count) <= left, count > 0 || left == 0 else {
                throw FileError(path: path, problem: "it changed while it was packed")
            }
            if count == 0 { return }
            left -= UInt64(count)
            try self.write(Array(chunk[..<count]))
        }
    }

    func finish() throws(FileError) -> (digest: [UInt8], byteCount: UInt64) {
        try self.flush()
        if self.descriptor >= 0, fsync(self.descriptor) != 0 { throw .last(self.path, "write it to disk") }
        guard let digest = self.digest.take() else { preconditionFailure("an archive is finished once") }
        return (digest.finalize(), self.byteCount)
    }

    func discard() { unsafe unlink(self.path) }

    private func flush() throws(FileError) {
        self.digest?.update(self.buffer)
        self.byteCount += UInt64(self.buffer.count)
        if self.descriptor >= 0 { try FileWriting.write(self.buffer, to: self.descriptor, path: self.path) }
        self.buffer.removeAll(keepingCapacity: true)
    }
}
