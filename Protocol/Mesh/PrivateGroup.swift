import Cryptography
package import Identity

/// The publisher's side of a private worker: who is a member, and the secrets of the present epoch
/// (Specs/private-workers.md, section 7). Keep it on stable storage before what follows from it is seen.
package struct PrivateGroup: Sendable, Hashable {
    /// The most members of one worker, the publisher not counted.
    package static let maximumMembers = 1_024

    /// Fresh randomness for one epoch.
    package struct Entropy: Sendable {
        /// 32 random bytes each.
        package let secret: [UInt8]
        package let locationSeed: [UInt8]

        package init(secret: [UInt8], locationSeed: [UInt8]) {
            self.secret = secret
            self.locationSeed = locationSeed
        }
    }

    package let worker: WorkerName
    package private(set) var secret: GroupSecret
    /// Of the key that places and signs the sealed descriptor; the publisher tells nobody.
    package private(set) var locationSeed: [UInt8]
    /// In order, without the publisher.
    package private(set) var members: [PeerID]

    /// A group without members.
    ///
    /// - Throws: ``RecordRefusal/malformed(_:)`` for entropy of a wrong length.
    package init(worker: WorkerName, entropy: Entropy) throws(RecordRefusal) {
        try self.init(worker: worker, epoch: 1, entropy: entropy, members: [])
    }

    /// A group as it was kept.
    package init(
        worker: WorkerName, epoch: UInt64, entropy: Entropy, members: [PeerID]
    ) throws(RecordRefusal) {
        let location = try Self.keyPair(entropy.locationSeed)
        self.worker = worker
        self.secret = try GroupSecret(epoch: epoch, secret: entropy.secret, location: location.publicKey.data)
        self.locationSeed = entropy.locationSeed
        self.members = Array(Set(members)).sorted()
    }

    /// Lets a member in; nothing changes for the others.
    ///
    /// - Returns: false when it already is one.
    /// - Throws: ``RecordRefusal/malformed(_:)`` for a peer that cannot be granted, or when there are too many.
    package mutating func grant(_ member: PeerID) throws(RecordRefusal) -> Bool {
        guard member != self.worker.publisher, !self.members.contains(member) else { return false }
        guard member.publicKey?.kind == .ed25519 else {
            throw .malformed("only a peer with an Ed25519 identity (12D3Koo…) can be granted a private worker")
        }
        guard self.members.count < Self.maximumMembers else {
            throw .malformed("the worker has \(Self.maximumMembers) members already; revoke one first")
        }
        let index = self.members.firstIndex { member < $0 } ?? self.members.endIndex
        self.members.insert(member, at: index)
        return true
    }

    /// Shuts a member out: a new epoch begins, with a new secret at a new place.
    ///
    /// - Returns: false, and no new epoch, when it is no member.
    /// - Throws: ``RecordRefusal/malformed(_:)`` for entropy of a wrong length.
    package mutating func revoke(_ member: PeerID, entropy: Entropy) throws(RecordRefusal) -> Bool {
        guard let index = self.members.firstIndex(of: member) else { return false }
        let location = try Self.keyPair(entropy.locationSeed)
        let next = try GroupSecret(
            epoch: self.secret.epoch + 1, secret: entropy.secret, location: location.publicKey.data)
        self.members.remove(at: index)
        self.secret = next
        self.locationSeed = entropy.locationSeed
        return true
    }

    /// Seals the worker's descriptor for the members.
    ///
    /// `nonce` is ``SealedRecord/nonceBytes`` random bytes.
    package func seal(
        _ descriptor: SignedRecord<WorkerDescriptor>, sequence: UInt64, expires: UInt64, nonce: [UInt8]
    ) throws(RecordRefusal) -> SealedRecord {
        try SealedRecord(
            sealing: descriptor.envelope, sizeClass: .descriptor,
            encryptionKey: self.secret.descriptorKey(of: self.worker), location: Self.keyPair(self.locationSeed),
            sequence: sequence, expires: expires, nonce: nonce)
    }

    private static func keyPair(_ seed: [UInt8]) throws(RecordRefusal) -> KeyPair {
        do throws(KeyError) { return try KeyPair(seed: seed) } catch { throw .malformed(error.description) }
    }
}

extension GroupSecret {
    /// The descriptor of the worker in a sealed record of this epoch, verified as any other.
    ///
    /// - Throws: ``RecordRefusal/malformed(_:)`` when the record does not open or is about another worker, and what the
    ///   verification of a descriptor throws.
    package func descriptor(
        of worker: WorkerName, in record: SealedRecord
    ) throws(RecordRefusal) -> SignedRecord<WorkerDescriptor> {
        guard record.signer == self.locationPeer,
            let envelope = record.open(encryptionKey: self.descriptorKey(of: worker))
        else {
            throw .malformed("the sealed descriptor does not open")
        }
        let descriptor = try SignedRecord<WorkerDescriptor>(verifying: envelope)
        guard descriptor.content.worker == worker, descriptor.content.visibility == .private else {
            throw .malformed("the sealed descriptor is about another worker")
        }
        return descriptor
    }
}
