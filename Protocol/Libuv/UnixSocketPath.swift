import CLibuv
import Glibc

/// A path that fits into a socket address, whatever the length of the real one.
///
/// A socket address holds 107 bytes. A longer path is reached through `/proc/self/fd/<folder>/<name>`, with the folder
/// opened as `O_PATH` for as long as this value lives.
struct UnixSocketPath: ~Copyable {
    /// `sizeof(sun_path)` without the terminating zero (unix(7)).
    static let maximumByteCount = 107

    let usablePath: String
    private let folder: OwnedDescriptor?

    init(_ path: String) throws(LibuvError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw LibuvError(.invalidArgument, "use the socket path \"\(path)\"")
        }
        if path.utf8.count <= Self.maximumByteCount {
            self.usablePath = path
            self.folder = nil
            return
        }
        guard let slash = path.lastIndex(of: "/") else { throw LibuvError(.nameTooLong, "use the socket path \(path)") }
        let folderPath = slash == path.startIndex ? "/" : String(path[..<slash])
        let number = unsafe dsmp_open_folder(folderPath)
        guard number >= 0 else { throw LibuvError.last("open the folder \(folderPath)") }
        let short = "/proc/self/fd/\(number)/\(path[path.index(after: slash)...])"
        guard short.utf8.count <= Self.maximumByteCount else {
            _ = close(number)
            throw LibuvError(.nameTooLong, "use the socket path \(path)")
        }
        self.usablePath = short
        self.folder = OwnedDescriptor(adopting: number)
    }
}
