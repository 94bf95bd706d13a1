import Hosting
import Identity
import Mesh
import Storage

/// A worker that this agent's key publishes.
struct OwnWorker {
    var worker: WorkerName
    var manifest: WorkerManifest
    /// `worker.yaml` as it was published.
    var manifestBytes: [UInt8]
    /// Where it was published from.
    var folder: String
    var descriptor: SignedRecord<WorkerDescriptor>
    /// This agent's grant to itself.
    var grant: SignedRecord<HostGrant>
    /// What it granted others.
    var grants: [StoredGrant]
    /// Of a private worker.
    var group: PrivateGroup?
    /// Why it could not be started; nil when it could.
    var problem: String?

    var isPrivate: Bool { self.descriptor.content.visibility == .private }
    var entry: CatalogEntry { CatalogEntry(descriptor: self.descriptor, grant: self.grant) }
}

/// A worker of another publisher that runs here.
struct GuestWorker {
    var manifest: WorkerManifest
    var descriptor: SignedRecord<WorkerDescriptor>
    var grant: SignedRecord<HostGrant>
    /// Of a private worker.
    var secret: GroupSecret?
    /// Why it could not be started; nil when it could.
    var problem: String?

    var worker: WorkerName { self.descriptor.content.worker }
    var isPrivate: Bool { self.descriptor.content.visibility == .private }
    var entry: CatalogEntry { CatalogEntry(descriptor: self.descriptor, grant: self.grant) }
}

extension Agent {
    /// The catalog entry of a worker that is published or hosted here; nil for every other.
    func entry(of worker: WorkerName) -> CatalogEntry? {
        if worker.publisher == self.peerID { return self.own[worker.name]?.entry }
        return self.guests[worker]?.entry
    }

    /// What runs here now, public workers only, in order.
    func publicEntries() async -> [CatalogEntry] {
        var entries: [CatalogEntry] = []
        for status in await self.workerHost.statuses() where status.state == .ready {
            guard let entry = self.entry(of: status.worker),
                entry.descriptor.content.visibility == .public
            else { continue }
            entries.append(entry)
        }
        return entries
    }

    /// Every worker that is published or hosted here, in order.
    var localWorkers: [WorkerName] { (self.own.values.map(\.worker) + self.guests.keys).sorted() }

    /// Whether a worker is private and its name must not be shown to others, in logs either.
    func isPrivate(_ worker: WorkerName) -> Bool {
        self.entry(of: worker)?.descriptor.content.visibility == .private || self.memberships[worker] != nil
    }

    /// How a log may call a worker.
    func logName(of worker: WorkerName) -> String {
        self.isPrivate(worker) ? "a private worker" : worker.description
    }
}
