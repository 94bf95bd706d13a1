import Glibc

/// Writing whole arrays to descriptors.
enum FileWriting {
    /// Writes all bytes; blocks until the kernel took them.
    static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(FileError) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            if count < 0 {
                guard errno == EINTR else { throw .last(path, "write it") }
                continue
            }
            offset += count
        }
    }
}
