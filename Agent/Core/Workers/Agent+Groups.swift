import ControlAPI
import Cryptography
import Hosting
import Identity
import Logging
import Mesh
import Storage
import Wire

/// Private workers: the groups of this agent's own, and its memberships in those of others
/// (Specs/private-workers.md).
extension Agent {
    // MARK: As the publisher

    /// The group of a private worker as it was kept, or a new one that is kept now; nil for a public worker.
    func group(
        for worker: WorkerName, _ manifest: WorkerManifest, old: OwnWorker?
    ) async throws(ControlError) -> PrivateGroup? {
        guard manifest.visibility == .private else { return nil }
        if let group = old?.group { return group }
        do {
            let kept = try await self.store.groupSecrets(of: worker.name).first
            if let kept {
                let members = try await self.store.grants(of: worker.name).filter { !$0.isRevoked }.compactMap {
                    try? PeerID($0.peer)
                }
                return try PrivateGroup(
                    worker: worker, epoch: kept.epoch,
                    entropy: .init(secret: kept.secret, locationSeed: kept.locationSeed), members: members)
            }
            let entropy = Self.entropy()
            let group = try PrivateGroup(worker: worker, entropy: entropy)
            try await self.store.keepGroupSecret(
                StoredGroupSecret(
                    worker: worker.name, epoch: group.secret.epoch, secret: entropy.secret,
                    locationSeed: entropy.locationSeed))
            return group
        } catch let error as StorageError {
            throw ControlError(error)
        } catch {
            throw ControlError(.internal, "the group of a private worker cannot be read: \(error)")
        }
    }

    static func entropy() -> PrivateGroup.Entropy {
        .init(
            secret: SecureRandom.bytes(GroupSecret.secretBytes),
            locationSeed: SecureRandom.bytes(GroupSecret.secretBytes)
        )
    }

    /// Lets the members of a worker in here, at the host that its publisher is.
    func enterGate(_ own: OwnWorker) {
        guard let secret = own.group?.secret else { return self.gate.remove(own.worker) }
        if !self.gate.set(secret, for: own.worker) {
            self.logger.error("too many private workers run here; one takes no calls from others")
        }
    }

    /// Stores the sealed descriptor and the slots of the members.
    func seal(_ own: OwnWorker) async {
        guard let group = own.group else { return }
        do {
            let sequence = try await self.nextSequence("sealed/\(own.worker.name)")
            let record = try group.seal(
                own.descriptor, sequence: sequence, expires: own.descriptor.content.expires, nonce: Self.nonce())
            await self.put(MeshKey.sealed(by: record.signer), record.envelope)
        } catch {
            self.logger.error("a private worker could not be sealed: \(error)")
        }
        for member in group.members { await self.writeSlot(of: member, own.worker, group.secret.payload) }
    }

    /// Writes what a member finds in its slot.
    func writeSlot(of member: PeerID, _ worker: WorkerName, _ payload: [UInt8]) async {
        do {
            let slot = try GroupSlot(of: worker, own: self.key, other: member)
            let sequence = try await self.nextSequence("slot/\(worker.name)")
            let record = try slot.seal(
                payload, sequence: sequence, expires: self.now + self.configuration.times.descriptorLifetime,
                nonce: Self.nonce())
            await self.put(slot.key, record.envelope)
        } catch {
            self.logger.error("a member's slot could not be written: \(error)")
        }
    }

    /// Replaces the sealed descriptor of an epoch that has ended, or of a worker that is withdrawn, by noise.
    func bury(_ own: OwnWorker) async {
        guard let group = own.group else { return }
        do {
            let sequence = try await self.nextSequence("sealed/\(own.worker.name)")
            let expires = self.now + self.configuration.times.descriptorLifetime
            let old = try group.seal(own.descriptor, sequence: sequence, expires: expires, nonce: Self.nonce())
            let noise = SealedRecord(
                replacing: old, location: try KeyPair(seed: group.locationSeed), sequence: sequence, expires: expires,
                nonce: Self.nonce(), random: SecureRandom.bytes(old.sealed.count))
            let key = MeshKey.sealed(by: old.signer)
            await self.network.withdrawValue(key: key)
            await self.put(key, noise.envelope)
            await self.network.withdrawValue(key: key)
        } catch {
            self.logger.error("a sealed record could not be replaced: \(error)")
        }
    }

    static func nonce() -> [UInt8] { SecureRandom.bytes(SealedRecord.nonceBytes) }

    // MARK: As a member

    /// The secret of a private worker of another publisher: the one that is known, or what the slot says.
    func secret(of worker: WorkerName) async -> GroupSecret? {
        if let secret = self.memberships[worker] { return secret }
        return await self.readSlot(of: worker)
    }

    /// Looks into the slot of a worker of another publisher and keeps what is there. Nil when this agent is no member.
    @discardableResult func readSlot(of worker: WorkerName) async -> GroupSecret? {
        guard worker.publisher != self.peerID,
            let slot = try? GroupSlot(of: worker, own: self.key, other: worker.publisher)
        else { return nil }
        let value: [UInt8]?
        do throws(NetworkError) {
            value = try await self.network.getValue(key: slot.key)
        } catch {
            return self.memberships[worker]  // Not knowing is no news.
        }
        guard let value, let record = try? SealedRecord(verifying: value),
            (try? record.checkTime(unixMilliseconds: self.now)) != nil
        else { return self.memberships[worker] }
        guard let secret = slot.open(record) else {
            // The slot says that this agent is not granted any more.
            await self.leaveGroup(of: worker)
            return nil
        }
        await self.joinGroup(of: worker, secret)
        return self.memberships[worker]
    }

    /// Keeps the secret of an epoch, unless a later one is known.
    func joinGroup(of worker: WorkerName, _ secret: GroupSecret) async {
        guard (self.memberships[worker]?.epoch ?? 0) <= secret.epoch else { return }
        guard self.memberships[worker] != secret else { return }
        self.memberships[worker] = secret
        self.known.forget(worker)
        do throws(StorageError) {
            try await self.store.keepMembership(
                StoredMembership(
                    worker: worker.description, epoch: secret.epoch, secret: secret.secret, location: secret.location))
        } catch {
            self.logger.error("a membership could not be kept: \(error)")
        }
        guard var guest = self.guests[worker], guest.isPrivate else { return }
        await self.endAnnouncement(of: guest.entry, secret: guest.secret)
        guest.secret = secret
        self.guests[worker] = guest
        _ = self.gate.set(secret, for: worker)
        await self.announce(guest)
    }

    private func leaveGroup(of worker: WorkerName) async {
        guard self.memberships.removeValue(forKey: worker) != nil else { return }
        self.known.forget(worker)
        do throws(StorageError) {
            try await self.store.removeMembership(worker.description)
        } catch {
            self.logger.error("a membership could not be forgotten: \(error)")
        }
        // A host without the secret answers no one: it is no member, so neither may its callers be.
        if self.guests[worker]?.isPrivate == true { self.gate.remove(worker) }
    }
}
