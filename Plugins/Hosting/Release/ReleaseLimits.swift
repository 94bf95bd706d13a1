/// The bounds of a release (Specs/release.md, section 1).
package struct ReleaseLimits: Sendable, Hashable {
    package var files = 4_096
    /// Folders above a file, within the release.
    package var depth = 16
    /// Bytes of all files together.
    package var totalBytes: UInt64 = 2_147_483_648
    /// Bytes read or written at once.
    static let chunkBytes = 262_144
    /// The longest path, in bytes.
    static let pathBytes = 255

    package init() {}
}

/// Why a folder could not be packed or an archive not be unpacked. Nothing of the attempt is left behind.
package enum ReleaseError: Error, Sendable, Hashable, CustomStringConvertible {
    case file(FileError)
    case refused(path: String, reason: String, remedy: String)
    case malformed(offset: UInt64, reason: String)
    case wrongContent(expected: String, found: String)

    package var description: String {
        switch self {
        case .file(let error): "\(error); check the path, its permissions and the free space"
        case .refused(let path, let reason, let remedy): "\(path): \(reason); \(remedy)"
        case .malformed(let offset, let reason):
            "the archive is malformed at byte \(offset): \(reason); fetch it again, from another host if it stays so"
        case .wrongContent(let expected, let found):
            "the archive is \(found), not \(expected); fetch it again, from another host if it stays so"
        }
    }
}
