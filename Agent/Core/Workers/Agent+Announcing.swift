import Cryptography
import Identity
import Logging
import Mesh
import Storage
import Wire

/// What the mesh is told about the workers here. Announcing fails without harm when there are no peers yet: the network
/// keeps trying, and maintenance announces again.
extension Agent {
    /// Makes a published worker findable: its records, and this agent as a host.
    func announce(_ own: OwnWorker) async {
        if own.isPrivate {
            await self.seal(own)
        } else {
            await self.put(MeshKey.descriptor(of: own.worker), own.descriptor.envelope)
        }
        await self.announceHost(own.entry, secret: own.group?.secret)
    }

    /// Makes a worker of another publisher findable here. Its descriptor is stored again, since its publisher may be away.
    func announce(_ guest: GuestWorker) async {
        if !guest.isPrivate {
            await self.put(MeshKey.descriptor(of: guest.worker), guest.descriptor.envelope)
        }
        await self.announceHost(guest.entry, secret: guest.secret)
    }

    private func announceHost(_ entry: CatalogEntry, secret: GroupSecret?) async {
        for key in self.providerKeys(of: entry.descriptor.content, secret: secret) {
            do throws(NetworkError) {
                _ = try await self.network.provide(key: key)
            } catch {
                self.logger.debug("a provider record was not taken: \(error)")
            }
        }
    }

    /// Under what the hosts of a worker provide it. A private one has nothing but its group's key.
    func providerKeys(of descriptor: WorkerDescriptor, secret: GroupSecret?) -> [[UInt8]] {
        guard descriptor.visibility == .public else {
            return secret.map { [$0.hostsKey(of: descriptor.worker)] } ?? []
        }
        return [
            MeshKey.hosts(of: descriptor.worker), MeshKey.name(descriptor.worker.name),
            descriptor.release.cid.multihash.bytes,
        ] + descriptor.tags.map(MeshKey.tag)
    }

    /// Stops announcing a host of a worker, except for what it provides still.
    func endAnnouncement(of entry: CatalogEntry, secret: GroupSecret?) async {
        let kept = Set(self.stillProvided)
        for key in self.providerKeys(of: entry.descriptor.content, secret: secret) where !kept.contains(key) {
            await self.network.withdrawProvider(key: key)
        }
    }

    private var stillProvided: [[UInt8]] {
        self.own.values.flatMap { self.providerKeys(of: $0.descriptor.content, secret: $0.group?.secret) }
            + self.guests.values.flatMap { self.providerKeys(of: $0.descriptor.content, secret: $0.secret) }
    }

    /// Takes back what an earlier publication announced and the new one does not.
    func replaceAnnouncement(of old: OwnWorker, by new: OwnWorker) async {
        await self.endAnnouncement(of: old.entry, secret: old.group?.secret)
        guard old.isPrivate != new.isPrivate else { return }
        if new.isPrivate {
            // The open record is shadowed until it expires; it says no more than that the worker is gone.
            await self.putWithdrawn(old, sequence: new.descriptor.content.sequence)
        } else {
            await self.bury(old)
        }
    }

    /// Withdraws a worker: a record that says so shadows the older ones until they expire.
    func withdraw(_ own: OwnWorker, sequence: UInt64) async {
        await self.endAnnouncement(of: own.entry, secret: own.group?.secret)
        if own.isPrivate {
            await self.bury(own)
        } else {
            await self.putWithdrawn(own, sequence: sequence)
        }
    }

    private func putWithdrawn(_ own: OwnWorker, sequence: UInt64) async {
        var descriptor = own.descriptor.content
        descriptor.isWithdrawn = true
        descriptor.visibility = .public
        descriptor.sequence = sequence
        descriptor.issued = self.now
        descriptor.expires = self.now + self.configuration.times.descriptorLifetime
        let key = MeshKey.descriptor(of: own.worker)
        await self.network.withdrawValue(key: key)
        guard let record = try? SignedRecord(signing: descriptor, with: self.key) else { return }
        await self.put(key, record.envelope)
        // Stored once; it need not outlive what it shadows.
        await self.network.withdrawValue(key: key)
    }

    /// Announces this node itself.
    func announceNode() async {
        let addresses = await self.network.ownAddresses()
        guard let sequence = try? await self.nextSequence("node") else { return }
        let descriptor = NodeDescriptor(
            peer: self.peerID,
            addresses: Array(
                addresses.filter { $0.bytes.count <= NodeDescriptor.maximumAddressBytes }
                    .prefix(NodeDescriptor.maximumAddresses)),
            agentVersion: WorkerText.cut(
                WorkerText.printable(self.configuration.agentVersion), to: NodeDescriptor.maximumVersionBytes),
            sequence: sequence, issued: self.now, expires: self.now + self.configuration.times.descriptorLifetime)
        guard let record = try? SignedRecord(signing: descriptor, with: self.key) else { return }
        await self.put(MeshKey.node(self.peerID), record.envelope)
    }

    /// Stores a value; a refusal is logged, since the next maintenance tries again.
    func put(_ key: [UInt8], _ value: [UInt8]) async {
        do throws(NetworkError) {
            _ = try await self.network.putValue(key: key, value: value)
        } catch {
            self.logger.debug("a record was not stored: \(error)")
        }
    }
}
