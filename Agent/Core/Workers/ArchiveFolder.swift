import Cryptography
import Glibc
import Hosting
import Wire

/// The archives of releases that this agent can give to other hosts: one file each, named by its content.
///
/// Its methods block on the disk: call them through ``offLoop(_:)``.
struct ArchiveFolder: Sendable {
    /// An absolute path.
    let folder: String

    /// Where the archive of a release lies or would lie.
    func path(of cid: CID) -> String { "\(self.folder)/\(cid).tar" }

    /// Where it is gathered while it comes from a host.
    func partialPath(of cid: CID) -> String { "\(self.folder)/\(cid).part" }

    /// A fresh name for an archive that is being packed. What is left of one goes at the next start.
    func packingPath() -> String {
        "\(self.folder)/\(SecureRandom.bytes(8).hexadecimal).packing"
    }

    /// Whether the archive is here.
    func contains(_ cid: CID) -> Bool { access(self.path(of: cid), R_OK) == 0 }

    /// Gives a packed or fetched archive its lasting name.
    func keep(_ path: String, as cid: CID) throws(ArchiveError) {
        guard rename(path, self.path(of: cid)) == 0 else { throw .last(path, "store it") }
    }

    /// Removes what was being packed when an agent ended.
    func removeLeftovers() {
        guard let folder = opendir(self.folder) else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            let name = String(decoding: bytes, as: UTF8.self)
            if name.hasSuffix(".packing") { unlink("\(self.folder)/\(name)") }
        }
    }

    /// Removes the archive of a release that nobody needs any more.
    func remove(_ cid: CID) {
        unlink(self.path(of: cid))
        unlink(self.partialPath(of: cid))
    }
}

/// Why an archive's file could not be used.
struct ArchiveError: Error, Sendable, CustomStringConvertible {
    let description: String

    static func last(_ path: String, _ purpose: String) -> ArchiveError {
        ArchiveError(description: "\(path): cannot \(purpose): \(String(cString: strerror(errno)))")
    }
}
