import Glibc

/// Where this executable is.
enum OwnExecutable {
    /// Its real path; nil when /proc is not there.
    static let path: String? = {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.assumingMemoryBound(to: CChar.self).baseAddress.map { readlink("/proc/self/exe", $0, bytes.count) }
                ?? -1
        }
        return count > 0 && count < 4_096 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }()

    /// The folder it is in.
    static let folder: String = {
        guard let path = Self.path, let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }()
}

/// Reads files of a few lines, such as those of /proc.
enum SmallFile {
    /// The most that is read, in bytes.
    static let byteLimit = 65_536

    /// The text; nil when it cannot be read, is longer or is no UTF-8.
    static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while bytes.count <= Self.byteLimit {
            let count = read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { return nil }
            if count == 0 { return String(validating: bytes, as: UTF8.self) }
            bytes += buffer.prefix(count)
        }
        return nil
    }
}
