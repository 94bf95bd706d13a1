import Identity
import Mesh

/// What was learnt and verified about workers on the mesh. A cache: nothing in it is a promise.
struct KnownWorkers {
    /// The most workers; the one looked at longest ago is forgotten first.
    static let maximumWorkers = 1_024
    /// The most hosts of one worker.
    static let maximumHosts = 64

    /// One worker.
    struct Entry {
        /// The newest that was seen.
        var descriptor: SignedRecord<WorkerDescriptor>?
        /// By host, in order.
        var grants: [SignedRecord<HostGrant>] = []
        /// When the hosts were last looked for, in milliseconds of the monotonic clock; nil: never.
        var discoveredMilliseconds: UInt64?
        fileprivate var lastUse: UInt64 = 0
    }

    private var entries: [WorkerName: Entry] = [:]
    private var useCount: UInt64 = 0

    /// What is known of a worker.
    subscript(_ worker: WorkerName) -> Entry? { self.entries[worker] }

    /// Takes in a verified descriptor; an older one than is known is ignored.
    mutating func learn(_ descriptor: SignedRecord<WorkerDescriptor>) {
        self.update(descriptor.content.worker) { entry in
            guard let old = entry.descriptor?.content.sequence, old >= descriptor.content.sequence else {
                return entry.descriptor = descriptor
            }
        }
    }

    /// Takes in a verified entry of a catalog.
    mutating func learn(_ found: CatalogEntry) {
        self.learn(found.descriptor)
        self.update(found.descriptor.content.worker) { entry in
            let grant = found.grant
            let host = grant.content.host
            if let index = entry.grants.firstIndex(where: { $0.content.host == host }) {
                if entry.grants[index].content.sequence <= grant.content.sequence { entry.grants[index] = grant }
            } else if entry.grants.count < Self.maximumHosts {
                entry.grants.append(grant)
                entry.grants.sort { $0.content.host < $1.content.host }
            }
        }
    }

    /// The hosts of a worker were looked for.
    mutating func onDiscovered(_ worker: WorkerName, nowMilliseconds: UInt64) {
        self.update(worker) { $0.discoveredMilliseconds = nowMilliseconds }
    }

    /// Looks for the hosts of a worker again when they are next needed.
    mutating func forgetDiscovery(of worker: WorkerName) {
        self.entries[worker]?.discoveredMilliseconds = nil
    }

    /// Forgets a worker: its group has a new secret, or it is no longer the caller's business.
    mutating func forget(_ worker: WorkerName) { self.entries[worker] = nil }

    /// The grants that count now, given the newest descriptor that is known.
    func validGrants(of worker: WorkerName, unixMilliseconds: UInt64) -> [SignedRecord<HostGrant>] {
        guard let entry = self.entries[worker] else { return [] }
        let descriptor = entry.descriptor.flatMap {
            $0.isValid(unixMilliseconds: unixMilliseconds) ? $0.content : nil
        }
        return entry.grants.filter { grant in
            let check: Void? = try? HostCheck.check(
                grant, of: worker, at: grant.content.host, descriptor: descriptor, unixMilliseconds: unixMilliseconds)
            return check != nil
        }
    }

    private mutating func update(_ worker: WorkerName, _ change: (inout Entry) -> Void) {
        self.useCount += 1
        var entry = self.entries[worker] ?? Entry()
        entry.lastUse = self.useCount
        change(&entry)
        self.entries[worker] = entry
        guard self.entries.count > Self.maximumWorkers else { return }
        // Uses are numbered, so the minimum is the same one in whatever order the dictionary is read.
        if let oldest = self.entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            self.entries[oldest.key] = nil
        }
    }
}
