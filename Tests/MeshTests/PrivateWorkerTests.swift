import Identity
import Mesh
import TestKit
import Testing
import Wire

@Suite("A private worker") struct PrivateWorkerTests {
    struct Vectors: Decodable {
        struct Sealed: Decodable {
            let envelope, nonce: String
            let key: String?
            let epoch: UInt64?
            let sequence, expires: UInt64
        }
        let publisherSeed, memberSeed, hostSeed, worker, secret, locationSeed, location, groupSecret: String
        let descriptorKey, hostsKey, descriptor, proof: String
        let epoch: UInt64
        let sealedDescriptor, slot, revokedSlot: Sealed
    }

    let vectors: Vectors
    let publisher: KeyPair
    let member: KeyPair
    let host: KeyPair
    let worker: WorkerName
    let now = MeshFixture.issued + 1_000

    init() throws {
        self.vectors = try Repository.vectors("Specs/vectors/private-workers.json", as: Vectors.self)
        self.publisher = try KeyPair(seed: bytes(self.vectors.publisherSeed))
        self.member = try KeyPair(seed: bytes(self.vectors.memberSeed))
        self.host = try KeyPair(seed: bytes(self.vectors.hostSeed))
        self.worker = try WorkerName(self.vectors.worker)
    }

    private func entropy(_ byte: UInt8) -> PrivateGroup.Entropy {
        .init(
            secret: [UInt8](repeating: byte, count: 32), locationSeed: [UInt8](repeating: byte ^ 0xff, count: 32))
    }

    private func nonce(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: SealedRecord.nonceBytes) }

    @Test("has the specified keys, records and proof") func vectorsHold() throws {
        let vectors = self.vectors
        let group = try PrivateGroup(
            worker: self.worker, epoch: vectors.epoch,
            entropy: .init(secret: bytes(vectors.secret), locationSeed: bytes(vectors.locationSeed)), members: [])
        #expect(group.secret.payload.hexadecimal == vectors.groupSecret)
        #expect(group.secret.location.hexadecimal == vectors.location)
        #expect(group.secret.descriptorKey(of: self.worker).hexadecimal == vectors.descriptorKey)
        #expect(group.secret.hostsKey(of: self.worker).hexadecimal == vectors.hostsKey)
        let proof = group.secret.proof(for: self.worker, caller: self.member.peerID, host: self.host.peerID)
        #expect(proof.hexadecimal == vectors.proof)

        let descriptor = try SignedRecord<WorkerDescriptor>(verifying: bytes(vectors.descriptor))
        let sealed = try group.seal(
            descriptor, sequence: vectors.sealedDescriptor.sequence, expires: vectors.sealedDescriptor.expires,
            nonce: bytes(vectors.sealedDescriptor.nonce))
        #expect(sealed.envelope.hexadecimal == vectors.sealedDescriptor.envelope)
        #expect(MeshKey.sealed(by: sealed.signer) == Array((vectors.sealedDescriptor.key ?? "").utf8))
        #expect(try group.secret.descriptor(of: self.worker, in: sealed) == descriptor)

        for (own, other) in [(self.publisher, self.member), (self.member, self.publisher)] {
            let slot = try GroupSlot(of: self.worker, own: own, other: other.peerID)
            #expect(slot.key == Array((vectors.slot.key ?? "").utf8))
            let record = try slot.seal(
                group.secret.payload, sequence: vectors.slot.sequence, expires: vectors.slot.expires,
                nonce: bytes(vectors.slot.nonce))
            #expect(record.envelope.hexadecimal == vectors.slot.envelope)
            #expect(slot.open(try SealedRecord(verifying: record.envelope)) == group.secret)
            let revoked = try slot.seal(
                GroupSecret.emptyPayload(epoch: vectors.revokedSlot.epoch ?? 0),
                sequence: vectors.revokedSlot.sequence, expires: vectors.revokedSlot.expires,
                nonce: bytes(vectors.revokedSlot.nonce))
            #expect(revoked.envelope.hexadecimal == vectors.revokedSlot.envelope)
            #expect(slot.open(revoked) == nil)
            #expect(revoked.envelope.count == record.envelope.count)
        }
    }

    @Test("is found and opened by its members and by nobody else") func membersOnly() throws {
        var group = try PrivateGroup(worker: self.worker, entropy: self.entropy(1))
        let isNew = try group.grant(self.member.peerID)
        let isAgain = try group.grant(self.member.peerID)
        let isPublisher = try group.grant(self.publisher.peerID)
        #expect(isNew && !isAgain && !isPublisher)
        let slot = try GroupSlot(of: self.worker, own: self.publisher, other: self.member.peerID)
        let record = try slot.seal(
            group.secret.payload, sequence: 1, expires: self.now + 1_000, nonce: self.nonce(1))
        let stored = try MeshRecord(key: slot.key, value: record.envelope, unixMilliseconds: self.now)
        #expect(stored == .sealed(record))
        // The stranger looks where it would find its own slot, and tries to open the member's.
        let stranger = try MeshFixture.key(9)
        let strangers = try GroupSlot(of: self.worker, own: stranger, other: self.publisher.peerID)
        #expect(strangers.key != slot.key && strangers.open(record) == nil)
        // Another worker of the same two is somewhere else.
        let other = try WorkerName(publisher: self.publisher.peerID, name: "other")
        #expect(try GroupSlot(of: other, own: self.publisher, other: self.member.peerID).key != slot.key)
    }

    @Test("shows nothing of its name or its content in what the table stores") func nothingShows() throws {
        let group = try PrivateGroup(worker: self.worker, entropy: self.entropy(1))
        let descriptor = try MeshFixture.descriptor("secret-sauce", by: self.publisher, visibility: .private)
        let sealed = try group.seal(descriptor, sequence: 1, expires: self.now + 1_000, nonce: self.nonce(1))
        let slot = try GroupSlot(of: self.worker, own: self.publisher, other: self.member.peerID)
        let record = try slot.seal(
            group.secret.payload, sequence: 1, expires: self.now + 1_000, nonce: self.nonce(2))
        for stored in [
            sealed.envelope, record.envelope, MeshKey.sealed(by: sealed.signer), slot.key,
            group.secret.hostsKey(of: self.worker),
        ] {
            let text = String(decoding: stored, as: UTF8.self)
            #expect(!text.contains("sauce") && !text.contains(self.publisher.peerID.description))
            let hexadecimal = stored.hexadecimal
            #expect(!hexadecimal.contains(self.publisher.publicKey.data.hexadecimal))
            #expect(!hexadecimal.contains(self.member.publicKey.data.hexadecimal))
        }
    }

    @Test("with a shorter or longer descriptor takes the same room") func padding() throws {
        let group = try PrivateGroup(worker: self.worker, entropy: self.entropy(1))
        let sizes = try ["a", "a-much-longer-name-of-a-worker"].map { tag in
            try group.seal(
                MeshFixture.descriptor("secret-sauce", by: self.publisher, visibility: .private, tags: [tag]),
                sequence: 1, expires: self.now + 1_000, nonce: self.nonce(1)
            ).envelope.count
        }
        #expect(sizes[0] == sizes[1])
    }

    @Test("has a new secret at a new place after a revocation; the old proof opens nothing") func revocation() throws {
        var group = try PrivateGroup(worker: self.worker, entropy: self.entropy(1))
        _ = try group.grant(self.member.peerID)
        _ = try group.grant(self.host.peerID)
        let before = group.secret
        var gate = MembershipGate(host: self.host.peerID, decoyKey: [UInt8](repeating: 3, count: 32))
        _ = gate.set(before, for: self.worker)
        let caller = self.member.peerID
        let proof = before.proof(for: self.worker, caller: caller, host: self.host.peerID)
        #expect(gate.admits(caller, to: self.worker, proof: proof))
        #expect(gate.worker(for: proof, caller: caller) == self.worker)

        let isRevoked = try group.revoke(caller, entropy: self.entropy(2))
        let isRevokedAgain = try group.revoke(caller, entropy: self.entropy(3))
        #expect(isRevoked && !isRevokedAgain)
        #expect(group.members == [self.host.peerID] && group.secret.epoch == 2)
        #expect(group.secret.locationPeer != before.locationPeer)
        #expect(group.secret.hostsKey(of: self.worker) != before.hostsKey(of: self.worker))
        let sealed = try group.seal(
            MeshFixture.descriptor("secret-sauce", by: self.publisher, visibility: .private), sequence: 1,
            expires: self.now + 1_000, nonce: self.nonce(1))
        #expect(throws: RecordRefusal.self) { _ = try before.descriptor(of: self.worker, in: sealed) }
        _ = gate.set(group.secret, for: self.worker)
        #expect(!gate.admits(caller, to: self.worker, proof: proof))
        #expect(gate.worker(for: proof, caller: caller) == nil)
    }

    @Test("admits a proof only from its caller, at its host, for its worker") func proofs() throws {
        let secret = try PrivateGroup(worker: self.worker, entropy: self.entropy(1)).secret
        let other = try WorkerName(publisher: self.publisher.peerID, name: "other")
        var gate = MembershipGate(host: self.host.peerID, decoyKey: [UInt8](repeating: 3, count: 32))
        #expect(!gate.admits(self.member.peerID, to: self.worker, proof: [UInt8](repeating: 0, count: 32)))
        _ = gate.set(secret, for: self.worker)
        let caller = self.member.peerID
        let proof = secret.proof(for: self.worker, caller: caller, host: self.host.peerID)
        #expect(gate.admits(caller, to: self.worker, proof: proof))
        #expect(!gate.admits(caller, to: other, proof: proof))
        #expect(!gate.admits(self.publisher.peerID, to: self.worker, proof: proof))
        #expect(!gate.admits(caller, to: self.worker, proof: []))
        #expect(!gate.admits(caller, to: self.worker, proof: proof + [0]))
        let elsewhere = secret.proof(for: self.worker, caller: caller, host: self.publisher.peerID)
        #expect(!gate.admits(caller, to: self.worker, proof: elsewhere))
        gate.remove(self.worker)
        #expect(!gate.admits(caller, to: self.worker, proof: proof) && gate.secret(of: self.worker) == nil)
    }

    @Test("is not admitted by the proof that belongs to no worker") func decoy() throws {
        let decoyKey = [UInt8](repeating: 3, count: 32)
        let gate = MembershipGate(host: self.host.peerID, decoyKey: decoyKey)
        let caller = self.member.peerID
        let proof = GroupSecret.proof(memberKey: decoyKey, caller: caller, host: self.host.peerID)
        #expect(!gate.admits(caller, to: self.worker, proof: proof))
    }

    @Test("is granted to Ed25519 identities only, 1,024 at most") func bounds() throws {
        let digest = try PeerID(bytes: [0x12, 0x20] + [UInt8](repeating: 1, count: 32))
        var group = try PrivateGroup(worker: self.worker, entropy: self.entropy(1))
        #expect(throws: RecordRefusal.self) { _ = try group.grant(digest) }
        #expect(throws: RecordRefusal.self) {
            _ = try GroupSlot(of: self.worker, own: self.publisher, other: digest)
        }
        for index in 0..<PrivateGroup.maximumMembers {
            let seed = Array("\(index)".utf8) + [UInt8](repeating: 1, count: 32)
            let isNew = try group.grant(KeyPair(seed: Array(seed.prefix(32))).peerID)
            #expect(isNew)
        }
        #expect(throws: RecordRefusal.self) { _ = try group.grant(self.member.peerID) }
        var gate = MembershipGate(host: self.host.peerID, decoyKey: [UInt8](repeating: 3, count: 32))
        for index in 0..<MembershipGate.maximumWorkers {
            let isSet = gate.set(group.secret, for: try WorkerName(publisher: self.publisher.peerID, name: "w\(index)"))
            #expect(isSet)
        }
        let isOneMore = gate.set(group.secret, for: self.worker)
        #expect(!isOneMore)
    }
}

@Suite("A sealed record") struct SealedRecordTests {
    let location: KeyPair
    let key = [UInt8](repeating: 9, count: 32)
    let nonce = [UInt8](repeating: 1, count: SealedRecord.nonceBytes)
    let now = MeshFixture.issued

    init() throws { self.location = try MeshFixture.key(4) }

    private func seal(_ content: [UInt8], expires: UInt64? = nil) throws -> SealedRecord {
        try SealedRecord(
            sealing: content, sizeClass: .slot, encryptionKey: self.key, location: self.location, sequence: 1,
            expires: expires ?? self.now + 1_000, nonce: self.nonce)
    }

    @Test("opens with its key alone") func opens() throws {
        for content in [[], [1], [UInt8](repeating: 7, count: 254), [UInt8](repeating: 7, count: 255)] {
            let record = try SealedRecord(verifying: self.seal(content).envelope)
            #expect(record.open(encryptionKey: self.key) == content)
            #expect(record.open(encryptionKey: [UInt8](repeating: 8, count: 32)) == nil)
        }
        #expect(try self.seal([UInt8](repeating: 7, count: 254)).sealed.count == 256 + 16)
        #expect(try self.seal([UInt8](repeating: 7, count: 255)).sealed.count == 512 + 16)
    }

    @Test("counts until it expires, at most seven days ahead") func times() throws {
        let week = SealedRecord.maximumLifetimeMilliseconds + RecordTime.toleranceMilliseconds
        try self.seal([1], expires: self.now + week).checkTime(unixMilliseconds: self.now)
        #expect(throws: RecordRefusal.lifetime) {
            try self.seal([1], expires: self.now + week + 1).checkTime(unixMilliseconds: self.now)
        }
        #expect(throws: RecordRefusal.expired) {
            try self.seal([1], expires: self.now).checkTime(unixMilliseconds: self.now)
        }
    }

    @Test("lies only where its signer may write") func placement() throws {
        let record = try self.seal([1])
        let elsewhere = MeshKey.sealed(by: try MeshFixture.key(5).peerID)
        #expect(throws: RecordRefusal.wrongSigner) {
            _ = try MeshRecord(key: elsewhere, value: record.envelope, unixMilliseconds: self.now)
        }
    }

    @Test("is replaced at the end of an epoch by one that nobody opens and that looks the same") func replacement()
        throws
    {
        let record = try self.seal([1])
        let random = [UInt8](repeating: 0xaa, count: record.sealed.count)
        let next = SealedRecord(
            replacing: record, location: self.location, sequence: 2, expires: record.expires, nonce: self.nonce,
            random: random)
        let read = try SealedRecord(verifying: next.envelope)
        #expect(read.open(encryptionKey: self.key) == nil && read.envelope.count == record.envelope.count)
        #expect(MeshRecord.sealed(read).replaces(.sealed(record)))
    }

    @Test("is refused over its bounds") func bounds() throws {
        #expect(throws: RecordRefusal.self) { _ = try self.seal([UInt8](repeating: 1, count: 7_167)) }
        #expect(throws: RecordRefusal.self) {
            _ = try SealedRecord(verifying: [UInt8](repeating: 1, count: SealedRecord.maximumEnvelopeBytes + 1))
        }
        #expect(throws: RecordRefusal.self) {
            _ = try SealedRecord(
                sealing: [1], sizeClass: .slot, encryptionKey: self.key, location: self.location, sequence: 1,
                expires: self.now, nonce: [1, 2, 3])
        }
    }
}
