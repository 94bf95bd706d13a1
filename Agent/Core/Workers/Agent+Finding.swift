package import ControlAPI
import Hosting
import Identity
import Mesh
import Wire

/// `dsmp find`: public workers on the mesh and private ones that this agent may call.
extension Agent {
    /// The most connected peers whose catalogs are asked.
    static let maximumAskedPeers = 16
    /// The most results of one search.
    static let maximumResults = 200
    /// The longest query, in bytes.
    static let maximumQueryBytes = CatalogQuery.maximumTextBytes

    package func find(_ request: FindRequest) async throws(ControlError) -> [FoundWorker] {
        let text = request.query
        guard text.utf8.count <= 256 else {
            throw ControlError(.usage, "the query has more than 256 bytes", hint: "search for a name or a tag")
        }
        var found: Set<WorkerName> = []
        if text.hasPrefix(WorkerName.scheme) {
            let worker = try self.fullName(text)
            self.known.forgetDiscovery(of: worker)
            await self.discover(worker)
            found.insert(worker)
        } else {
            guard text.utf8.count <= Self.maximumQueryBytes else {
                throw ControlError(
                    .usage, "the query has more than \(Self.maximumQueryBytes) bytes", hint: "search for less")
            }
            found = await self.search(text)
        }
        var results: [FoundWorker] = []
        for worker in found.sorted().prefix(min(max(0, request.limit), Self.maximumResults)) {
            if let result = await self.result(worker) { results.append(result) }
        }
        return results
    }

    /// The workers that match a text: here, by what providers and connected peers show, and among memberships.
    private func search(_ text: String) async -> Set<WorkerName> {
        var found = Set(self.localWorkers.filter { worker in self.matches(worker, text) })
        for worker in self.memberships.keys.sorted() {
            await self.discover(worker)
            if self.matches(worker, text) { found.insert(worker) }
        }
        var peers: [PeerID] = []
        if WorkerName.isName(text) { peers += await self.hints(MeshKey.name(text)) }
        if WorkerText.isTag(text) { peers += await self.hints(MeshKey.tag(text)) }
        let connected = await self.network.connections().map(\.peer)
        var unique: [PeerID] = []
        for peer in peers + connected.sorted() where !unique.contains(peer) && peer != self.peerID {
            unique.append(peer)
        }
        let limit = Self.maximumProviders + Self.maximumAskedPeers
        let entries = await self.askCatalogs(Array(unique.prefix(limit)), CatalogQuery(.text(text)))
        found.formUnion(entries.map(\.descriptor.content.worker))
        // A worker that several show is looked at once more, so that all its hosts are known and the newest descriptor
        // counts: a host that was shut out may show an old one.
        for worker in found.sorted().prefix(Self.maximumResults) where self.entry(of: worker) == nil {
            await self.discover(worker)
        }
        return found
    }

    private func matches(_ worker: WorkerName, _ text: String) -> Bool {
        let descriptor = self.entry(of: worker)?.descriptor ?? self.known[worker]?.descriptor
        guard var content = descriptor?.content else { return false }
        content.visibility = .public  // Here the question is only what the text says: this agent is a member.
        return CatalogQuery(.text(text)).matches(content)
    }

    private func result(_ worker: WorkerName) async -> FoundWorker? {
        let local = self.entry(of: worker)
        let descriptor = local?.descriptor ?? self.known[worker]?.descriptor
        guard let content = descriptor?.content, descriptor?.isValid(unixMilliseconds: self.now) == true,
            !content.isWithdrawn
        else { return nil }
        var hosts = self.known.validGrants(of: worker, unixMilliseconds: self.now).map(\.content.host)
        hosts.removeAll { $0 == self.peerID }
        if local != nil, await self.workerHost.status(worker)?.state == .ready { hosts.append(self.peerID) }
        guard local != nil || !hosts.isEmpty else { return nil }
        return FoundWorker(
            worker: worker.description, publisher: worker.publisher.description,
            hosts: hosts.sorted().map(\.description), tags: content.tags,
            visibility: content.visibility == .private ? .private : .public, kind: content.kind.description,
            summary: content.summary)
    }
}
