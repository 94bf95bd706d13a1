import Identity
import Mesh
import TestKit
import Testing

@Suite("A value of the table") struct MeshRecordTests {
    let publisher: KeyPair
    let other: KeyPair
    let now = MeshFixture.issued + 1_000

    init() throws {
        self.publisher = try MeshFixture.key(1)
        self.other = try MeshFixture.key(2)
    }

    @Test("lies only under the key of what it is about") func keys() throws {
        let record = try MeshFixture.descriptor(by: self.publisher)
        let key = MeshKey.descriptor(of: record.content.worker)
        #expect(try MeshRecord(key: key, value: record.envelope, unixMilliseconds: self.now) == .worker(record))
        let wrong = [
            MeshKey.descriptor(of: try WorkerName(publisher: self.publisher.peerID, name: "other")),
            MeshKey.descriptor(of: try WorkerName(publisher: self.other.peerID, name: "digest")),
            MeshKey.node(self.publisher.peerID), MeshKey.sealed(by: self.publisher.peerID), key + [0], [],
            Array("/".utf8), Array("/dsmp-worker".utf8), Array("/unknown/x".utf8),
            Array("/dsmp-worker/".utf8) + [UInt8](repeating: 0xff, count: 400),
        ]
        for key in wrong {
            #expect(throws: RecordRefusal.self) {
                _ = try MeshRecord(key: key, value: record.envelope, unixMilliseconds: self.now)
            }
        }
    }

    @Test("never is a private worker in the open") func privateInTheOpen() throws {
        let record = try MeshFixture.descriptor(by: self.publisher, visibility: .private)
        let key = MeshKey.descriptor(of: record.content.worker)
        #expect(throws: RecordRefusal.self) {
            _ = try MeshRecord(key: key, value: record.envelope, unixMilliseconds: self.now)
        }
    }

    @Test("is stored by nobody after it has expired") func expired() throws {
        let record = try MeshFixture.descriptor(by: self.publisher)
        let key = MeshKey.descriptor(of: record.content.worker)
        #expect(throws: RecordRefusal.expired) {
            _ = try MeshRecord(key: key, value: record.envelope, unixMilliseconds: record.content.expires)
        }
    }

    @Test("is replaced by a higher sequence, and by the greater bytes at an equal one") func selects() throws {
        let key = MeshKey.descriptor(of: try WorkerName(publisher: self.publisher.peerID, name: "digest"))
        let first = try MeshFixture.descriptor(by: self.publisher, sequence: 1)
        let second = try MeshFixture.descriptor(by: self.publisher, sequence: 2)
        let twin = try MeshFixture.descriptor(by: self.publisher, tags: ["twin"], sequence: 2)
        let foreign = try MeshFixture.descriptor(by: self.other, sequence: 9)
        func select(_ values: [[UInt8]]) -> Int? {
            MeshRecord.select(key: key, values: values, unixMilliseconds: self.now)
        }
        #expect(select([first.envelope, foreign.envelope, second.envelope, [1, 2, 3]]) == 2)
        #expect(select([second.envelope, first.envelope]) == 0)
        #expect(select([foreign.envelope, []]) == nil && select([]) == nil)
        let winner = second.envelope.lexicographicallyPrecedes(twin.envelope) ? twin : second
        for values in [[second.envelope, twin.envelope], [twin.envelope, second.envelope]] {
            let index = try #require(select(values))
            #expect(values[index] == winner.envelope)
        }
    }
}

@Suite("A host") struct HostCheckTests {
    let publisher: KeyPair
    let host: PeerID
    let worker: WorkerName
    let now = MeshFixture.issued + 1_000

    init() throws {
        self.publisher = try MeshFixture.key(1)
        self.host = try MeshFixture.key(2).peerID
        self.worker = try WorkerName(publisher: self.publisher.peerID, name: "digest")
    }

    private func check(
        _ grant: SignedRecord<HostGrant>, at host: PeerID? = nil, descriptor: WorkerDescriptor? = nil,
        now: UInt64? = nil
    ) throws(HostCheck.Refusal) {
        try HostCheck.check(
            grant, of: self.worker, at: host ?? self.host, descriptor: descriptor, unixMilliseconds: now ?? self.now)
    }

    @Test("is called with a valid grant of its own") func allowed() throws {
        let grant = try MeshFixture.grant(by: self.publisher, to: self.host, sequence: 4)
        try self.check(grant)
        try self.check(grant, descriptor: MeshFixture.descriptor(by: self.publisher, grantFloor: 4).content)
    }

    @Test("is not called with the grant of another host, of another worker or another publisher") func foreign() throws
    {
        let stranger = try MeshFixture.key(3)
        let grant = try MeshFixture.grant(by: self.publisher, to: self.host)
        #expect(throws: HostCheck.Refusal.otherHost) { try self.check(grant, at: stranger.peerID) }
        let other = try MeshFixture.grant("other", by: self.publisher, to: self.host)
        #expect(throws: HostCheck.Refusal.otherWorker) { try self.check(other) }
        let forged = try MeshFixture.grant(by: stranger, to: self.host)
        #expect(throws: HostCheck.Refusal.otherWorker) { try self.check(forged) }
    }

    @Test("is not called with an expired or a revoked grant, nor for a withdrawn worker") func revoked() throws {
        let grant = try MeshFixture.grant(by: self.publisher, to: self.host, sequence: 4)
        #expect(throws: HostCheck.Refusal.record(.expired)) {
            try self.check(grant, now: grant.content.expires)
        }
        let floor = try MeshFixture.descriptor(by: self.publisher, grantFloor: 5).content
        #expect(throws: HostCheck.Refusal.revoked) { try self.check(grant, descriptor: floor) }
        let withdrawn = try MeshFixture.descriptor(by: self.publisher, isWithdrawn: true).content
        #expect(throws: HostCheck.Refusal.withdrawn) { try self.check(grant, descriptor: withdrawn) }
    }
}
