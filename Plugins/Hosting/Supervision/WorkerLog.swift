import Glibc

/// The log of one worker on disk: two files of at most 1 MiB each, the newer one first filled and then moved aside.
///
/// One owner. Writing blocks on the page cache only. Lines were escaped by ``LineSplitter``.
package final class WorkerLog {
    /// The most bytes of each of the two files.
    package static let fileBytes = 1_048_576

    private let path: String
    private var descriptor: Int32 = -1
    private var byteCount = 0
    private let limit: Int

    /// - Parameters:
    ///   - path: of the newer file; the older one has `.1` appended.
    ///   - limit: bytes of each file.
    package init(path: String, limit: Int = WorkerLog.fileBytes) {
        self.path = path
        self.limit = limit
    }

    deinit { if self.descriptor >= 0 { close(self.descriptor) } }

    /// Appends a line, with the wall time in milliseconds before it. A full disk loses the line, not the worker.
    package func append(_ line: String, unixMilliseconds: UInt64) {
        let bytes = Array("\(unixMilliseconds) \(line)\n".utf8)
        if self.byteCount + bytes.count > self.limit { self.rotate() }
        if self.descriptor < 0 { self.open() }
        guard self.descriptor >= 0 else { return }
        self.byteCount += bytes.count
        do throws(FileError) { try FileWriting.write(bytes, to: self.descriptor, path: self.path) } catch { return }
    }

    /// The last lines, oldest first.
    package func tail(lines count: Int) -> [String] {
        var lines: [Substring] = []
        for path in [self.path + ".1", self.path] {
            guard let bytes = try? BoundedFile.read(path, limit: 2 * Self.fileBytes) else { continue }
            lines += String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        }
        return lines.suffix(max(0, count)).map(String.init)
    }

    private func open() {
        self.descriptor = unsafe Glibc.open(self.path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
        var status = stat()
        if self.descriptor >= 0, unsafe fstat(self.descriptor, &status) == 0 { self.byteCount = Int(status.st_size) }
    }

    private func rotate() {
        if self.descriptor < 0 { self.open() }
        guard self.descriptor >= 0, self.byteCount > 0 else { return }
        close(self.descriptor)
        self.descriptor = -1
        self.byteCount = 0
        unsafe rename(self.path, self.path + ".1")
    }

    /// The wall time in milliseconds since 1970.
    static var unixMilliseconds: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) * 1_000 + UInt64(clamping: time.tv_nsec / 1_000_000)
    }
}
