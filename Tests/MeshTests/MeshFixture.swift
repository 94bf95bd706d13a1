import Identity
import Mesh
import TestKit
import Testing
import Wire

/// The people and things that the tests of this suite are about. The same keys as in Specs/vectors.
enum MeshFixture {
    /// When everything was issued, in milliseconds since 1970.
    static let issued: UInt64 = 1_800_000_000_000
    static let day: UInt64 = 86_400_000

    static func key(_ byte: UInt8) throws -> KeyPair { try KeyPair(seed: [UInt8](repeating: byte, count: 32)) }

    static func cid(_ text: String = "archive") throws -> CID {
        try CID.raw(sha256: Array(text.utf8) + [UInt8](repeating: 0, count: 32 - text.utf8.count))
    }

    static func descriptor(
        _ name: String = "digest", by publisher: KeyPair, visibility: WorkerDescriptor.Visibility = .public,
        release: CID? = nil, tags: [String] = ["hash"], grantFloor: UInt64 = 0, isWithdrawn: Bool = false,
        sequence: UInt64 = 1
    ) throws -> SignedRecord<WorkerDescriptor> {
        let content = WorkerDescriptor(
            worker: try WorkerName(publisher: publisher.peerID, name: name), kind: .exec,
            release: .init(version: "1.0.0", cid: try release ?? self.cid(), archiveBytes: 9),
            methods: [.init(name: "run", isIdempotent: true)], tags: tags, visibility: visibility,
            summary: "Digests what it is sent", grantFloor: grantFloor, isWithdrawn: isWithdrawn, sequence: sequence,
            issued: self.issued, expires: self.issued + self.day)
        return try SignedRecord(signing: content, with: publisher)
    }

    static func grant(
        _ name: String = "digest", by publisher: KeyPair, to host: PeerID, release: CID? = nil, sequence: UInt64 = 1,
        days: UInt64 = 7
    ) throws -> SignedRecord<HostGrant> {
        let content = HostGrant(
            worker: try WorkerName(publisher: publisher.peerID, name: name), host: host,
            release: try release ?? self.cid(), sequence: sequence, issued: self.issued,
            expires: self.issued + days * self.day)
        return try SignedRecord(signing: content, with: publisher)
    }

    static func entry(
        _ name: String = "digest", by publisher: KeyPair, at host: PeerID, tags: [String] = ["hash"],
        visibility: WorkerDescriptor.Visibility = .public
    ) throws -> CatalogEntry {
        CatalogEntry(
            descriptor: try self.descriptor(name, by: publisher, visibility: visibility, tags: tags),
            grant: try self.grant(name, by: publisher, to: host))
    }
}

/// The bytes that a text of hexadecimal digits in a vector stands for.
func bytes(_ hexadecimal: String) throws -> [UInt8] { try #require([UInt8](hexadecimal: hexadecimal)) }
