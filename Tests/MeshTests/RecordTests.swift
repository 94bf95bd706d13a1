import Identity
import Mesh
import TestKit
import Testing
import Wire

@Suite("A signed record") struct RecordTests {
    struct Vectors: Decodable {
        struct Method: Decodable {
            let name, summary: String
            let idempotent: Bool
        }
        struct Worker: Decodable {
            let envelope, name, kind, version, cid, visibility, summary: String
            let archiveSize, sequence, issued, expires, grantFloor: UInt64
            let methods: [Method]
            let tags: [String]
        }
        struct Grant: Decodable {
            let envelope, name, release: String
            let sequence, issued, expires: UInt64
        }
        struct Node: Decodable {
            let envelope, agentVersion: String
            let addresses: [String]
            let sequence, issued, expires: UInt64
        }
        struct Refused: Decodable { let kind, why, envelope: String }
        let publisherSeed, hostSeed: String
        let worker: Worker
        let grant: Grant
        let node: Node
        let refused: [Refused]
    }

    let vectors: Vectors
    let publisher: KeyPair
    let host: KeyPair

    init() throws {
        self.vectors = try Repository.vectors("Specs/vectors/records.json", as: Vectors.self)
        self.publisher = try KeyPair(seed: bytes(self.vectors.publisherSeed))
        self.host = try KeyPair(seed: bytes(self.vectors.hostSeed))
    }

    @Test("of a worker is written and read as specified") func worker() throws {
        let vector = self.vectors.worker
        let content = WorkerDescriptor(
            worker: try WorkerName(publisher: self.publisher.peerID, name: vector.name), kind: .library,
            release: .init(
                version: vector.version, cid: try CID(bytes: bytes(vector.cid)), archiveBytes: vector.archiveSize),
            methods: vector.methods.map { .init(name: $0.name, summary: $0.summary, isIdempotent: $0.idempotent) },
            tags: vector.tags, visibility: .public, summary: vector.summary, grantFloor: vector.grantFloor,
            sequence: vector.sequence, issued: vector.issued, expires: vector.expires)
        let record = try SignedRecord(signing: content, with: self.publisher)
        #expect(record.envelope.hexadecimal == vector.envelope)
        #expect(try SignedRecord<WorkerDescriptor>(verifying: bytes(vector.envelope)) == record)
        #expect(content.kind.description == vector.kind && content.visibility.description == vector.visibility)
        #expect(content.method(named: "sha256")?.isIdempotent == true && content.method(named: "sha1") == nil)
    }

    @Test("of a host's permission is written and read as specified") func grant() throws {
        let vector = self.vectors.grant
        let content = HostGrant(
            worker: try WorkerName(publisher: self.publisher.peerID, name: vector.name), host: self.host.peerID,
            release: try CID(bytes: bytes(vector.release)), sequence: vector.sequence, issued: vector.issued,
            expires: vector.expires)
        let record = try SignedRecord(signing: content, with: self.publisher)
        #expect(record.envelope.hexadecimal == vector.envelope)
        #expect(try SignedRecord<HostGrant>(verifying: bytes(vector.envelope)) == record)
    }

    @Test("of a node is written and read as specified") func node() throws {
        let vector = self.vectors.node
        let content = NodeDescriptor(
            peer: self.host.peerID, addresses: try vector.addresses.map { try Multiaddr($0) },
            agentVersion: vector.agentVersion, sequence: vector.sequence, issued: vector.issued,
            expires: vector.expires)
        let record = try SignedRecord(signing: content, with: self.host)
        #expect(record.envelope.hexadecimal == vector.envelope)
        #expect(try SignedRecord<NodeDescriptor>(verifying: bytes(vector.envelope)) == record)
    }

    @Test("that must be refused is refused") func refused() throws {
        for vector in self.vectors.refused {
            let envelope = try bytes(vector.envelope)
            #expect(throws: RecordRefusal.self, "\(vector.kind): \(vector.why)") {
                switch vector.kind {
                case "worker": _ = try SignedRecord<WorkerDescriptor>(verifying: envelope)
                case "grant": _ = try SignedRecord<HostGrant>(verifying: envelope)
                default: _ = try SignedRecord<NodeDescriptor>(verifying: envelope)
                }
            }
        }
        #expect(self.vectors.refused.count > 30)
    }

    @Test("is not signed with a key that it does not speak for, or over a bound") func refusesToSign() throws {
        var content = try MeshFixture.descriptor(by: self.publisher).content
        #expect(throws: RecordRefusal.wrongSigner) { _ = try SignedRecord(signing: content, with: self.host) }
        content.expires = content.issued + WorkerDescriptor.maximumLifetimeMilliseconds + 1
        #expect(throws: RecordRefusal.lifetime) { _ = try SignedRecord(signing: content, with: self.publisher) }
        content.expires -= 1
        _ = try SignedRecord(signing: content, with: self.publisher)
        content.tags = ["Upper"]
        #expect(throws: RecordRefusal.self) { _ = try SignedRecord(signing: content, with: self.publisher) }
    }

    @Test("counts from five minutes before its issue until its expiry") func times() throws {
        let record = try MeshFixture.descriptor(by: self.publisher)
        let (issued, expires) = (record.content.issued, record.content.expires)
        #expect(!record.isValid(unixMilliseconds: issued - 300_001))
        #expect(record.isValid(unixMilliseconds: issued - 300_000))
        #expect(record.isValid(unixMilliseconds: expires - 1))
        #expect(throws: RecordRefusal.expired) { try record.checkTime(unixMilliseconds: expires) }
        #expect(throws: RecordRefusal.expired) { try record.checkTime(unixMilliseconds: .max) }
    }

    @Test("with any byte changed is refused or the same", arguments: [UInt64(1), 2, 3]) func mutations(seed: UInt64)
        throws
    {
        var random = SplitMix64(seed: seed)
        let record = try MeshFixture.descriptor(by: self.publisher)
        for _ in 0..<300 {
            var envelope = record.envelope
            let index = Int.random(in: envelope.indices, using: &random)
            envelope[index] ^= UInt8(1 << UInt8.random(in: 0..<8, using: &random))
            guard let read = try? SignedRecord<WorkerDescriptor>(verifying: envelope) else { continue }
            #expect(read.content == record.content, "replay with seed \(seed): byte \(index)")
        }
        for length in 0..<record.envelope.count {
            #expect(throws: RecordRefusal.self) {
                _ = try SignedRecord<WorkerDescriptor>(verifying: Array(record.envelope[..<length]))
            }
        }
    }
}
