import Glibc

/// Why a file could not be read or written.
package struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
    package let path: String
    /// What happened, without the path.
    package let problem: String

    package var description: String { "\(self.path): \(self.problem)" }

    /// The failure of the last system call of this thread.
    static func last(_ path: String, _ action: String) -> FileError {
        FileError(path: path, problem: "cannot \(action): \(Self.text(of: errno))")
    }

    static func text(of code: Int32) -> String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}

/// Reads whole small files with a bound.
enum BoundedFile {
    /// Reads a regular file of at most `limit` bytes; follows no symbolic link in the last part of the path.
    static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .last(path, "open it") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .last(path, "examine it") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path: path, problem: "it is not a regular file")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count < 0 {
                guard errno == EINTR else { throw .last(path, "read it") }
                continue
            }
            guard bytes.count + count <= limit else {
                throw FileError(path: path, problem: "it has more than \(limit) bytes")
            }
            bytes.append(contentsOf: chunk[..<count])
        }
    }
}
