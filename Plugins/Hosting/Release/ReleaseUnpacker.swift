import Cryptography
import Glibc
import Wire

/// Reads an archive in pieces and writes its files into a fresh folder (Specs/release.md, section 3).
///
/// The archive comes from a stranger: every header is checked before its file is made, and every file is made through
/// descriptors of folders that this value made itself, so that nothing outside the folder can be reached.
final class ReleaseUnpacker {
    private enum Expectation { case header, data(left: UInt64), padding(left: Int), secondEndBlock, end }

    private let root: String
    private let limits: ReleaseLimits
    private var expectation = Expectation.header
    private var digest: SHA256? = SHA256()
    private var offset: UInt64 = 0
    private var block: [UInt8] = []
    private var entry: ReleaseEntry?
    private var descriptor: Int32 = -1
    private var lastPath: [UInt8] = []
    private var totalBytes: UInt64 = 0
    private(set) var fileCount = 0
    private(set) var hasManifest = false
    private(set) var folders: [String] = []

    /// - Parameters:
    ///   - root: an empty folder made for this archive alone.
    ///   - limits: what is refused.
    init(into root: String, limits: ReleaseLimits) {
        self.root = root
        self.limits = limits
    }

    deinit { if self.descriptor >= 0 { close(self.descriptor) } }

    /// Takes the next bytes of the archive.
    func consume(_ bytes: ArraySlice<UInt8>) throws(ReleaseError) {
        unsafe self.digest?.update(bytes.span.bytes)
        var rest = bytes
        while !rest.isEmpty {
            let before = rest.count
            switch self.expectation {
            case .header: try self.takeHeader(&rest)
            case .data(let left): try self.takeData(&rest, left: left)
            case .padding(let left): try self.takePadding(&rest, left: left)
            case .secondEndBlock: try self.takeSecondEndBlock(&rest)
            case .end: throw self.malformed("bytes follow the end")
            }
            self.offset += UInt64(before - rest.count)
        }
    }

    /// Checks that the archive is whole, and returns the digest of all its bytes.
    func finish() throws(ReleaseError) -> [UInt8] {
        guard case .end = self.expectation else { throw self.malformed("it ends too early") }
        guard self.hasManifest else { throw self.malformed("it has no \(ManifestLimits.fileName)") }
        guard let digest = self.digest.take() else { preconditionFailure("an archive is finished once") }
        return digest.finalize()
    }

    private func malformed(_ reason: String) -> ReleaseError { .malformed(offset: self.offset, reason: reason) }

    private func fillBlock(_ rest: inout ArraySlice<UInt8>) -> Bool {
        let count = min(ReleaseEntry.blockBytes - self.block.count, rest.count)
        self.block.append(contentsOf: rest.prefix(count))
        rest = rest.dropFirst(count)
        return self.block.count == ReleaseEntry.blockBytes
    }

    private func takeHeader(_ rest: inout ArraySlice<UInt8>) throws(ReleaseError) {
        guard self.fillBlock(&rest) else { return }
        defer { self.block.removeAll(keepingCapacity: true) }
        if self.block.allSatisfy({ $0 == 0 }) {
            self.expectation = .secondEndBlock
            return
        }
        guard let entry = ReleaseEntry(header: self.block) else {
            throw self.malformed("a header is not of the form that Specs/release.md allows")
        }
        if let problem = ReleasePath.problem(withPath: entry.path, depth: self.limits.depth) {
            throw self.malformed(problem)
        }
        guard self.lastPath.lexicographicallyPrecedes(entry.path) else {
            throw self.malformed("the files are not in the order of their paths")
        }
        let (sum, isOver) = self.totalBytes.addingReportingOverflow(entry.byteCount)
        guard !isOver, sum <= self.limits.totalBytes else {
            throw self.malformed("its files have more than \(self.limits.totalBytes) bytes")
        }
        guard self.fileCount < self.limits.files else {
            throw self.malformed("it has more than \(self.limits.files) files")
        }
        self.totalBytes = sum
        self.fileCount += 1
        self.lastPath = entry.path
        if entry.path == Array(ManifestLimits.fileName.utf8) { self.hasManifest = true }
        try self.create(entry)
        self.entry = entry
        self.expectation = entry.byteCount > 0 ? .data(left: entry.byteCount) : .header
        if entry.byteCount == 0 { try self.closeFile() }
    }

    private func takeData(_ rest: inout ArraySlice<UInt8>, left: UInt64) throws(ReleaseError) {
        let count = Int(min(left, UInt64(rest.count)))
        do throws(FileError) {
            try FileWriting.write(Array(rest.prefix(count)), to: self.descriptor, path: self.root)
        } catch { throw .file(error) }
        rest = rest.dropFirst(count)
        guard left == UInt64(count) else {
            self.expectation = .data(left: left - UInt64(count))
            return
        }
        let padding = self.entry?.paddingBytes ?? 0
        self.expectation = padding > 0 ? .padding(left: padding) : .header
        try self.closeFile()
    }

    private func takePadding(_ rest: inout ArraySlice<UInt8>, left: Int) throws(ReleaseError) {
        let count = min(left, rest.count)
        guard rest.prefix(count).allSatisfy({ $0 == 0 }) else { throw self.malformed("the filling is not NUL") }
        rest = rest.dropFirst(count)
        self.expectation = left > count ? .padding(left: left - count) : .header
    }

    private func takeSecondEndBlock(_ rest: inout ArraySlice<UInt8>) throws(ReleaseError) {
        guard self.fillBlock(&rest) else { return }
        guard self.block.allSatisfy({ $0 == 0 }) else { throw self.malformed("one block of NUL is not the end") }
        self.expectation = .end
    }

    /// Makes the file and the folders above it, each opened through the one before without following links.
    private func create(_ entry: ReleaseEntry) throws(ReleaseError) {
        let shown = String(decoding: entry.path, as: UTF8.self)
        var names = entry.path.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
        let file = names.removeLast()
        var folder = unsafe open(self.root, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        defer { if folder >= 0 { close(folder) } }
        guard folder >= 0 else { throw .file(.last(self.root, "open it")) }
        var inner = self.root
        for name in names {
            inner += "/" + name
            if unsafe mkdirat(folder, name, 0o700) == 0 {
                self.folders.append(inner)
            } else if errno != EEXIST {
                throw .file(.last(inner, "create it"))
            }
            let next = unsafe openat(folder, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { throw self.malformed("the path `\(shown)` runs through a file") }
            close(folder)
            folder = next
        }
        self.descriptor = unsafe openat(folder, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard self.descriptor >= 0 else { throw .file(.last(inner + "/" + file, "create it")) }
    }

    private func closeFile() throws(ReleaseError) {
        guard self.descriptor >= 0 else { return }
        defer {
            close(self.descriptor)
            self.descriptor = -1
        }
        let mode: mode_t = self.entry?.isExecutable == true ? 0o555 : 0o444
        guard fchmod(self.descriptor, mode) == 0, fsync(self.descriptor) == 0 else {
            throw .file(.last(self.root, "finish a file in it"))
        }
    }
}
