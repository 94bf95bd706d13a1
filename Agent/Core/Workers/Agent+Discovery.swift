import Identity
import Libuv
import Logging
import Mesh
import Wire

/// Finding the hosts of one worker, and verifying them. Hints come from the distributed hash table; what counts is what
/// the hosts themselves show (Specs/records.md, section 5).
extension Agent {
    /// The most providers that are asked about one worker.
    static let maximumProviders = 16

    /// The newest descriptor of a worker that can be had and verified, looked up unless a fresh one is known.
    func newestDescriptor(of worker: WorkerName) async -> SignedRecord<WorkerDescriptor>? {
        if let local = self.entry(of: worker) { return local.descriptor }
        await self.discover(worker)
        guard let descriptor = self.known[worker]?.descriptor, descriptor.isValid(unixMilliseconds: self.now) else {
            return nil
        }
        return descriptor
    }

    /// Hosts that may be called now, this agent first among them when it is one.
    func candidates(for worker: WorkerName) async -> [HostSelector.Candidate] {
        await self.discover(worker)
        let newest = self.known[worker]?.descriptor?.content.release.cid
        return self.known.validGrants(of: worker, unixMilliseconds: self.now)
            .filter { $0.content.host != self.peerID }
            .map { .init(host: $0.content.host, runsNewestRelease: newest == nil || $0.content.release == newest) }
    }

    /// Looks for a worker's descriptor and hosts, unless that was done a short time ago.
    func discover(_ worker: WorkerName) async {
        let now = self.loop.nowMilliseconds
        if let last = self.known[worker]?.discoveredMilliseconds,
            now < last + self.configuration.times.discoveryFresh,
            !self.known.validGrants(of: worker, unixMilliseconds: self.now).isEmpty
        {
            return
        }
        if let secret = self.memberships[worker] {
            await self.discoverPrivate(worker, secret)
        } else if await !self.discoverPublic(worker), let secret = await self.readSlot(of: worker) {
            await self.discoverPrivate(worker, secret)
        }
        guard self.known[worker] != nil else { return }
        self.known.onDiscovered(worker, nowMilliseconds: self.loop.nowMilliseconds)
    }

    /// Returns whether anything was found.
    private func discoverPublic(_ worker: WorkerName) async -> Bool {
        async let value = self.value(MeshKey.descriptor(of: worker))
        let peers = await self.providers(MeshKey.hosts(of: worker), and: worker.publisher)
        let entries = await self.askCatalogs(peers, CatalogQuery(.worker(worker)))
        if let value = await value,
            case .worker(let record)? = try? MeshRecord(
                key: MeshKey.descriptor(of: worker), value: value, unixMilliseconds: self.now)
        {
            self.known.learn(record)
        }
        return !entries.isEmpty || self.known[worker]?.descriptor != nil
    }

    private func discoverPrivate(_ worker: WorkerName, _ secret: GroupSecret) async {
        if let location = secret.locationPeer, let value = await self.value(MeshKey.sealed(by: location)),
            let record = try? SealedRecord(verifying: value),
            let descriptor = try? secret.descriptor(of: worker, in: record),
            descriptor.isValid(unixMilliseconds: self.now)
        {
            self.known.learn(descriptor)
        }
        let peers = await self.providers(secret.hostsKey(of: worker), and: worker.publisher)
        await withTaskGroup(of: Void.self) { group in
            for peer in peers {
                let proof = secret.proof(for: worker, caller: self.peerID, host: peer)
                group.addTask {
                    _ = await self.askCatalog(peer, CatalogQuery(.membership(proof)), private: worker)
                }
            }
        }
    }

    /// Who says that it provides a key, with the publisher, who usually hosts as well.
    private func providers(_ key: [UInt8], and publisher: PeerID) async -> [PeerID] {
        var peers: [PeerID] = publisher == self.peerID ? [] : [publisher]
        for peer in await self.hints(key) where !peers.contains(peer) { peers.append(peer) }
        return Array(peers.prefix(Self.maximumProviders))
    }

    /// Who says that it provides a key; nobody when the table cannot be asked.
    func hints(_ key: [UInt8]) async -> [PeerID] {
        do throws(NetworkError) {
            let found = try await self.network.providers(key: key, limit: Self.maximumProviders)
            for hint in found { await self.network.addAddresses(hint.addresses, of: hint.peer) }
            return found.map(\.peer).filter { $0 != self.peerID }
        } catch {
            self.logger.debug("providers could not be looked up: \(error)")
            return []
        }
    }

    /// The best value of a key; nil when there is none or the table cannot be asked.
    func value(_ key: [UInt8]) async -> [UInt8]? {
        do throws(NetworkError) {
            return try await self.network.getValue(key: key)
        } catch {
            self.logger.debug("a record could not be looked up: \(error)")
            return nil
        }
    }
}
