import Glibc

/// The libraries that the operator lets into the agent's process, by SHA-256 (Specs/worker-abi.md, section 1).
package struct TrustedLibraries: Sendable, Hashable {
    /// The name of the list in the agent's data folder.
    package static let fileName = "trusted-libraries"
    /// The most libraries in the list.
    package static let maximumCount = 1_024
    private static let fileBytes = 1_048_576

    /// 64 lower-case hexadecimal digits each.
    package private(set) var digests: Set<String>

    package init(digests: Set<String> = []) { self.digests = digests }

    /// Whether the operator trusts the library with this digest.
    package func contains(_ digest: String) -> Bool { self.digests.contains(digest) }

    /// Reads the operator's list; a missing file trusts nothing.
    ///
    /// - Throws: ``LibraryError/untrustworthyList(path:reason:)`` when others may write it or a line is malformed.
    package static func load(path: String) throws(LibraryError) -> TrustedLibraries {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw .file(.last(path, "examine it")) }
            return TrustedLibraries()
        }
        guard status.st_uid == geteuid(), status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            throw .untrustworthyList(
                path: path, reason: "others may write it; `chmod 600` it and make it belong to the agent's user")
        }
        let bytes: [UInt8]
        do throws(FileError) { bytes = try BoundedFile.read(path, limit: self.fileBytes) } catch { throw .file(error) }
        var digests: Set<String> = []
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            guard let word = line.split(separator: " ").first, !word.hasPrefix("#") else { continue }
            guard self.isDigest(word), digests.count < self.maximumCount else {
                throw .untrustworthyList(
                    path: path,
                    reason: "line \(index + 1) is no SHA-256 in lower-case hexadecimal, or the list is too long")
            }
            digests.insert(String(word))
        }
        return TrustedLibraries(digests: digests)
    }

    private static func isDigest(_ word: Substring) -> Bool {
        word.utf8.count == 64 && word.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
    }
}

/// Why a library was not loaded. The text is for the operator: what happened, then what to do.
package enum LibraryError: Error, Sendable, Hashable, CustomStringConvertible {
    case untrusted(path: String, digest: String)
    case untrustworthyList(path: String, reason: String)
    case file(FileError)
    case notLoadable(path: String, reason: String)
    case wrongABI(reason: String)
    case refusedToStart(name: String)

    package var description: String {
        switch self {
        case .untrusted(let path, let digest):
            """
            the library \(path) is not trusted: a library runs inside the agent, and its crash ends the agent. If you \
            trust it all the same, add this line to the file \(TrustedLibraries.fileName) in the data folder: \(digest)
            """
        case .untrustworthyList(let path, let reason): "\(path) is not used: \(reason)"
        case .file(let error): "\(error); check the path, its permissions and the free space"
        case .notLoadable(let path, let reason):
            "the library \(path) cannot be loaded: \(reason); build it for this machine, with all it needs"
        case .wrongABI(let reason):
            "the library does not fit this agent: \(reason); build it with this agent's dsmp_worker.h"
        case .refusedToStart(let name): "the library refused to make the worker \(name); its log says why"
        }
    }

    /// Whether trying again without changing anything cannot help.
    package var isFatal: Bool {
        switch self {
        case .file, .refusedToStart: false
        case .untrusted, .untrustworthyList, .notLoadable, .wrongABI: true
        }
    }
}
