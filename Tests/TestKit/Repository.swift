import Foundation

/// The files of this repository that a test reads: vectors, specifications, sources.
package enum Repository {
    /// The folder that holds Package.swift.
    package static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path(percentEncoded: false)

    /// The content of the file at `path`, relative to the root, such as `Specs/vectors/peer_ids.json`.
    package static func bytes(_ path: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(filePath: self.root).appending(path: path)))
    }

    /// The vectors in the JSON file at `path`, relative to the root.
    package static func vectors<Vectors: Decodable>(_ path: String, as type: Vectors.Type) throws -> Vectors {
        try JSONDecoder().decode(type, from: Data(self.bytes(path)))
    }

    /// The names of the files in a folder, which is relative to the root, in order.
    package static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(self.root)/\(folder)").sorted()
    }
}
