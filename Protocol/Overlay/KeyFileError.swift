import Glibc
package import Identity

/// Why the file with the private key was not read or made. The text is for the operator: what happened, then what to do.
package enum KeyFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no such file.
    case missing(path: String)
    /// There is one already; it is never replaced.
    case alreadyExists(path: String)
    /// Group or others have a permission for the file.
    case openToOthers(path: String, mode: UInt32)
    /// The file belongs to neither this user nor root.
    case foreignOwner(path: String, userID: UInt32)
    /// It is a folder, a pipe or a device.
    case notAFile(path: String)
    /// The content is no private key.
    case malformed(path: String, IdentityError)
    /// A system call failed.
    case system(String, path: String, errno: Int32)

    package var description: String {
        switch self {
        case .missing(let path): "there is no key at \(path); run `dsmp id new`, or restore it from a backup"
        case .alreadyExists(let path): "there is a key at \(path) already; move it away if this agent is to be another"
        case .openToOthers(let path, let mode):
            "\(path) can be used by others (mode \(String(mode, radix: 8))); run `chmod 600 \(path)`, "
                + "and `dsmp id new` instead if somebody may have read it"
        case .foreignOwner(let path, let userID):
            "\(path) belongs to user \(userID); start the agent as that user, or `chown` the file to its own"
        case .notAFile(let path): "\(path) is not a plain file; move it away and restore the key from a backup"
        case .malformed(let path, let error):
            "\(path) holds no private key: \(error); restore it from a backup, or move it away for a new identity"
        case .system(let operation, let path, let errno):
            "cannot \(operation) \(path): \(String(cString: strerror(errno))); check the folder, its owner and free space"
        }
    }
}
