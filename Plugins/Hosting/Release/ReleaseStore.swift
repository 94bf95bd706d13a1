import Cryptography
import Glibc
package import Wire

/// The installed releases of this agent: one read-only folder each, named by its content (Specs/release.md, section 3).
///
/// Every method blocks the caller on disk I/O: call them on a thread of their own, not on an event loop.
package struct ReleaseStore: Sendable {
    /// Holds one folder a release.
    package let folder: String
    private let limits: ReleaseLimits

    /// Creates the folder (mode 0700) when it is missing, and removes what an interrupted installation left.
    package init(folder: String, limits: ReleaseLimits = ReleaseLimits()) throws(ReleaseError) {
        self.folder = folder
        self.limits = limits
        if unsafe mkdir(folder, 0o700) != 0, errno != EEXIST { throw .file(.last(folder, "create it")) }
        for name in FolderRemoval.names(in: folder) where name.hasPrefix(".new-") {
            FolderRemoval.remove(folder + "/" + name)
        }
    }

    /// Where a release lies or would lie.
    package func path(of cid: CID) -> String { self.folder + "/" + cid.description }

    /// Whether the release is installed.
    package func contains(_ cid: CID) -> Bool {
        var status = stat()
        return unsafe lstat(self.path(of: cid), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Packs a worker's folder and installs what was packed.
    ///
    /// - Parameters:
    ///   - source: holds `worker.yaml`.
    ///   - archive: where the archive is kept, so that others can fetch it; nil removes it again.
    /// - Returns: the archive's name and size.
    /// - Throws: ``ReleaseError``; nothing is left behind then.
    package func install(folder source: String, keepingArchiveAt archive: String? = nil) throws(ReleaseError)
        -> ReleaseArchive
    {
        let temporary = self.temporaryPath() + ".tar"
        defer { unsafe unlink(temporary) }
        let packed = try ReleaseArchive.pack(folder: source, to: temporary, limits: self.limits)
        try self.install(archive: temporary, expecting: packed.cid)
        if let archive, unsafe rename(temporary, archive) != 0 { throw .file(.last(archive, "store the archive")) }
        return packed
    }

    /// Installs an archive file. Does nothing when the release is installed already.
    ///
    /// - Throws: ``ReleaseError``; nothing is left behind then.
    package func install(archive: String, expecting cid: CID) throws(ReleaseError) {
        let source = unsafe open(archive, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard source >= 0 else { throw .file(.last(archive, "open it")) }
        defer { close(source) }
        var chunk = [UInt8](repeating: 0, count: ReleaseLimits.chunkBytes)
        try self.install(expecting: cid) { () throws(ReleaseError) -> ArraySlice<UInt8>? in
            while true {
                let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(source, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw .file(.last(archive, "read it")) }
                return count == 0 ? nil : chunk[..<count]
            }
        }
    }

    /// Installs an archive that comes in pieces. Does nothing, and reads nothing, when it is installed already.
    ///
    /// - Parameters:
    ///   - cid: what the bytes must be.
    ///   - next: the next piece of any size, nil at the end.
    /// - Throws: ``ReleaseError``, or what `next` throws; nothing is left behind then.
    package func install(
        expecting cid: CID, next: () throws(ReleaseError) -> ArraySlice<UInt8>?
    ) throws(ReleaseError) {
        guard !self.contains(cid) else { return }
        let temporary = self.temporaryPath()
        guard unsafe mkdir(temporary, 0o700) == 0 else { throw .file(.last(temporary, "create it")) }
        do throws(ReleaseError) {
            let unpacker = ReleaseUnpacker(into: temporary, limits: self.limits)
            while let bytes = try next() { try unpacker.consume(bytes) }
            let found = ReleaseArchive.cid(try unpacker.finish())
            guard found == cid else { throw .wrongContent(expected: cid.description, found: found.description) }
            for folder in unpacker.folders.reversed() { unsafe chmod(folder, 0o555) }
            try self.publish(temporary, cid)
        } catch {
            FolderRemoval.remove(temporary)
            throw error
        }
    }

    /// Removes a release that no worker uses any more.
    package func remove(_ cid: CID) { FolderRemoval.remove(self.path(of: cid)) }

    private func publish(_ temporary: String, _ cid: CID) throws(ReleaseError) {
        let path = self.path(of: cid)
        if unsafe rename(temporary, path) != 0 {
            guard errno == EEXIST || errno == ENOTEMPTY else { throw .file(.last(path, "move the release there")) }
            FolderRemoval.remove(temporary)  // Somebody else installed the same bytes meanwhile.
            return
        }
        unsafe chmod(path, 0o555)
        let parent = unsafe open(self.folder, O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { return }
        fsync(parent)  // So that the new name outlives a power failure.
        close(parent)
    }

    private func temporaryPath() -> String {
        let random = SecureRandom.bytes(8).map { String($0, radix: 16) }.joined()
        return "\(self.folder)/.new-\(random)"
    }
}

/// Removes folders that this agent made, without following links.
enum FolderRemoval {
    static func names(in folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let bytes = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            let name = String(decoding: bytes, as: UTF8.self)
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func remove(_ path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unsafe unlink(path)
            return
        }
        unsafe chmod(path, 0o700)  // Installed folders are read-only.
        for name in self.names(in: path) { self.remove(path + "/" + name) }
        unsafe rmdir(path)
    }
}
