import Glibc

/// Lists the files of a folder for packing, in the order of the archive.
struct FolderWalk {
    let limits: ReleaseLimits
    private var entries: [ReleaseEntry] = []
    private var totalBytes: UInt64 = 0

    init(limits: ReleaseLimits) { self.limits = limits }

    /// Every regular file below `folder`, sorted by the bytes of the path.
    mutating func entries(below folder: String) throws(ReleaseError) -> [ReleaseEntry] {
        try self.list(folder, prefix: [], depth: 0)
        return self.entries.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }

    private mutating func list(_ folder: String, prefix: [UInt8], depth: Int) throws(ReleaseError) {
        guard depth <= self.limits.depth else {
            throw .refused(
                path: folder, reason: "it lies deeper than \(self.limits.depth) folders", remedy: "make it flatter")
        }
        for name in try Self.names(in: folder) {
            if name[0] == UInt8(ascii: ".") { continue }
            let path = folder + "/" + String(decoding: name, as: UTF8.self)
            if let problem = ReleasePath.problem(withName: name) {
                throw .refused(path: path, reason: problem, remedy: "rename it")
            }
            var status = stat()
            guard unsafe lstat(path, &status) == 0 else { throw .file(.last(path, "examine it")) }
            let inner = prefix + name
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try self.list(path, prefix: inner + [UInt8(ascii: "/")], depth: depth + 1)
            case S_IFREG: try self.add(inner, path, status)
            case S_IFLNK:
                throw .refused(path: path, reason: "it is a symbolic link", remedy: "copy the file it points to")
            default:
                throw .refused(path: path, reason: "it is neither a file nor a folder", remedy: "remove it")
            }
        }
    }

    private mutating func add(_ inner: [UInt8], _ path: String, _ status: stat) throws(ReleaseError) {
        if let problem = ReleasePath.problem(withPath: inner, depth: self.limits.depth) {
            throw .refused(path: path, reason: problem, remedy: "use shorter names")
        }
        let byteCount = UInt64(clamping: status.st_size)
        let (sum, isOver) = self.totalBytes.addingReportingOverflow(byteCount)
        guard !isOver, sum <= self.limits.totalBytes else {
            throw .refused(
                path: path, reason: "the files have more than \(self.limits.totalBytes) bytes together",
                remedy: "leave out what the worker does not need")
        }
        guard self.entries.count < self.limits.files else {
            throw .refused(
                path: path, reason: "there are more than \(self.limits.files) files",
                remedy: "leave out what the worker does not need")
        }
        self.totalBytes = sum
        self.entries.append(
            ReleaseEntry(path: inner, isExecutable: status.st_mode & S_IXUSR != 0, byteCount: byteCount))
    }

    /// The names in a folder but `.` and `..`, in no order; at most as many as a release may have files, and as many
    /// folders.
    private static func names(in folder: String) throws(ReleaseError) -> [[UInt8]] {
        guard let stream = unsafe opendir(folder) else { throw .file(.last(folder, "list it")) }
        defer { unsafe closedir(stream) }
        var names: [[UInt8]] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            if name.isEmpty || name == Array(".".utf8) || name == Array("..".utf8) { continue }
            names.append(name)
            guard names.count <= 65_536 else {
                throw .refused(path: folder, reason: "it has more than 65,536 entries", remedy: "divide it")
            }
        }
        return names
    }
}
