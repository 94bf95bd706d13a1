import Cryptography
import Glibc
import WorkerABI

/// A shared library in this process. Never unloaded (Specs/worker-abi.md, section 1).
///
/// Safety: its pointers lead to constants of the library, which live as long as the process.
@safe struct LoadedLibrary: @unchecked Sendable {
    // Safety: points to constant data of a library that is never unloaded.
    nonisolated(unsafe) let entry: UnsafePointer<dsmp_entry>
    nonisolated(unsafe) let factory: UnsafePointer<dsmp_worker_factory>
    /// SHA-256 of the file, in lower-case hexadecimal.
    let digest: String

    /// Loads a library that the operator trusts.
    ///
    /// - Parameters:
    ///   - path: the file in an installed release.
    ///   - folder: private to the agent (mode 0700); receives a copy named by its content.
    ///   - trusted: asked for the digest of the very bytes that were copied.
    /// - Returns: the library. Loop thread, since it calls the library's `init`.
    /// - Throws: ``LibraryError``, which tells how to trust a library that is not trusted.
    static func load(
        path: String, copyingTo folder: String, trusted: TrustedLibraries
    ) throws(LibraryError) -> LoadedLibrary {
        let (copy, digest) = try self.copy(path, to: folder, trusted: trusted)
        guard let handle = unsafe dlopen(copy, RTLD_NOW | RTLD_LOCAL | Int32(RTLD_NODELETE)) else {
            throw .notLoadable(path: path, reason: self.loaderText)
        }
        guard let symbol = unsafe dlsym(handle, DSMP_ENTRY_SYMBOL) else {
            throw .wrongABI(reason: "it exports no \(DSMP_ENTRY_SYMBOL)")
        }
        let entry = unsafe UnsafePointer(symbol.assumingMemoryBound(to: dsmp_entry.self))
        guard unsafe entry.pointee.abi_version == DSMP_ABI_VERSION else {
            throw unsafe .wrongABI(
                reason: "it was built for version \(entry.pointee.abi_version) of the ABI, not \(DSMP_ABI_VERSION)")
        }
        guard unsafe entry.pointee.struct_size >= UInt32(MemoryLayout<dsmp_entry>.size),
            let getFactory = unsafe entry.pointee.get_factory
        else { throw .wrongABI(reason: "its entry is incomplete") }
        if let initialise = unsafe entry.pointee.`init` {
            let result = unsafe initialise(copy)
            guard result >= 0 else { throw .notLoadable(path: path, reason: "its init failed with \(result)") }
        }
        guard let found = unsafe getFactory(DSMP_FACTORY_WORKER) else {
            throw .wrongABI(reason: "it has no factory \(DSMP_FACTORY_WORKER)")
        }
        let factory = unsafe found.assumingMemoryBound(to: dsmp_worker_factory.self)
        guard unsafe factory.pointee.struct_size >= UInt32(MemoryLayout<dsmp_worker_factory>.size),
            unsafe factory.pointee.create != nil
        else { throw .wrongABI(reason: "its factory is incomplete") }
        return unsafe LoadedLibrary(entry: entry, factory: factory, digest: digest)
    }

    private static var loaderText: String {
        guard let text = unsafe dlerror() else { return "unknown reason" }
        return unsafe String(cString: text)
    }

    /// Copies what one descriptor reads, so that what is hashed is what runs.
    private static func copy(
        _ path: String, to folder: String, trusted: TrustedLibraries
    ) throws(LibraryError) -> (path: String, digest: String) {
        let bytes: [UInt8]
        do throws(FileError) { bytes = try BoundedFile.read(path, limit: 268_435_456) } catch { throw .file(error) }
        let digest = SHA256.digest(bytes).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
        guard trusted.contains(digest) else { throw .untrusted(path: path, digest: digest) }
        if unsafe mkdir(folder, 0o700) != 0, errno != EEXIST { throw .file(.last(folder, "create it")) }
        let copy = "\(folder)/\(digest).so"
        // The name is the content, so that an existing copy needs no second one once its bytes are compared.
        if let existing = try? BoundedFile.read(copy, limit: bytes.count), existing == bytes { return (copy, digest) }
        let temporary = "\(folder)/.\(digest).\(getpid())"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o500)
        guard descriptor >= 0 else { throw .file(.last(temporary, "create it")) }
        defer { close(descriptor) }
        do throws(FileError) {
            try FileWriting.write(bytes, to: descriptor, path: temporary)
        } catch {
            unsafe unlink(temporary)
            throw .file(error)
        }
        guard unsafe rename(temporary, copy) == 0 else { throw .file(.last(copy, "create it")) }
        return (copy, digest)
    }
}
