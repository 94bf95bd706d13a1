import CSeccomp
import Glibc

/// A file in memory (memfd_create(2)), close-on-exec, closed with this value.
struct MemoryFile: ~Copyable {
    /// The descriptor, or a negative error number.
    let descriptor: Int32

    init(name: String) { self.descriptor = unsafe dsmp_sealable_memory(name) }

    /// A file with these bytes that nobody can change any more.
    static func sealed(_ bytes: [UInt8], name: String) throws(LaunchError) -> MemoryFile {
        let file = MemoryFile(name: name)
        guard file.descriptor >= 0 else { throw .agent(call: "memfd_create", errno: -file.descriptor) }
        try file.write(bytes)
        let status = dsmp_seal(file.descriptor)
        guard status == 0 else { throw .agent(call: "fcntl(F_ADD_SEALS)", errno: status) }
        return file
    }

    deinit { if self.descriptor >= 0 { _ = Glibc.close(self.descriptor) } }

    private func write(_ bytes: [UInt8]) throws(LaunchError) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { all in
                unsafe pwrite(
                    self.descriptor, all.baseAddress.map { unsafe $0 + offset }, all.count - offset, off_t(offset))
            }
            guard count > 0 else { throw .agent(call: "write a memory file", errno: errno) }
            offset += count
        }
    }

    /// Everything in the file.
    func contents() throws(LaunchError) -> [UInt8] {
        let size = lseek(self.descriptor, 0, SEEK_END)
        guard size >= 0 else { throw .agent(call: "lseek", errno: errno) }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let count = unsafe bytes.withUnsafeMutableBytes { all in
            unsafe pread(self.descriptor, all.baseAddress, all.count, 0)
        }
        guard count == bytes.count else { throw .agent(call: "pread", errno: errno) }
        return bytes
    }
}
