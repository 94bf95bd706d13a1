import Cryptography
import Hosting
package import Identity
package import Libuv
import Logging
import Market
import Mesh
import Storage
import Wire

/// One agent: it composes the network, the workers and what is kept, and holds the rules between them.
///
/// Bound to the loop, as everything it composes: a call to a worker of this agent is no hop between threads. What it
/// promised to somebody is kept before anybody sees it. Verbs that change something run one at a time, in their order.
package actor Agent {
    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    package nonisolated let configuration: AgentConfiguration
    package nonisolated let peerID: PeerID
    let key: KeyPair
    let folder: DataFolder
    let store: AgentStore
    let releases: ReleaseStore
    let archives: ArchiveFolder
    let network: any MeshNetwork
    let workerHost: WorkerHost
    let logger: Logger
    let startedMilliseconds: UInt64

    /// The workers of this agent's own key, by bare name.
    var own: [String: OwnWorker] = [:]
    /// The workers of other publishers that run here.
    var guests: [WorkerName: GuestWorker] = [:]
    /// The latest own subscription of each worker, also a cancelled one.
    var ownSubscriptions: [WorkerName: Subscription] = [:]
    /// Private workers of others whose group this agent belongs to.
    var memberships: [WorkerName: GroupSecret] = [:]
    /// Which callers may know of which private worker here.
    var gate: MembershipGate
    /// What was learnt about workers on the mesh.
    var known = KnownWorkers()
    var selector = HostSelector()
    var counters = CallCounters()
    var inbound = InboundStreams()
    let verbs: VerbQueue
    /// When the slots of private workers were last looked at, in milliseconds of the monotonic clock.
    var slotsCheckedMilliseconds: UInt64 = 0
    var maintenance: Task<Void, Never>?
    var background: [UInt64: Task<Void, Never>] = [:]
    var nextBackground: UInt64 = 0
    /// Wall time when the node's own record was last stored, in milliseconds since 1970.
    var nodeAnnounced: UInt64 = 0
    var apiAddress: String?
    var isStopping = false
    let stopped: Gate
    var trusted: Set<String>

    init(_ parts: AgentParts) {
        self.loop = parts.loop
        self.configuration = parts.configuration
        self.key = parts.key
        self.peerID = parts.key.peerID
        self.folder = parts.folder
        self.store = parts.store
        self.releases = parts.releases
        self.archives = parts.archives
        self.network = parts.network
        self.workerHost = parts.workerHost
        self.logger = parts.logger
        self.trusted = parts.trusted
        self.startedMilliseconds = MonotonicClock.nowMilliseconds
        self.gate = MembershipGate(host: parts.key.peerID, decoyKey: SecureRandom.bytes(32))
        self.verbs = VerbQueue(loop: parts.loop)
        self.stopped = Gate(on: parts.loop)
    }

    /// Wall time, in milliseconds since 1970.
    nonisolated var now: UInt64 { self.configuration.clock.unixMilliseconds }

    /// Where the TCP control surface listens; nil when it does not.
    package func setAPIAddress(_ address: String?) { self.apiAddress = address }

    /// Runs something of its own accord, ended when the agent stops.
    func inBackground(_ body: @escaping @Sendable (isolated Agent) async -> Void) {
        guard !self.isStopping else { return }
        let number = self.nextBackground
        self.nextBackground += 1
        self.background[number] = Task(executorPreference: self.loop.taskExecutor) { [weak self] in
            guard let self else { return }
            await body(self)
            await self.endBackground(number)
        }
    }

    /// Returns when everything that was begun in the background has ended.
    package func settle() async {
        while let task = self.background.values.first { await task.value }
    }

    private func endBackground(_ number: UInt64) { self.background[number] = nil }

    /// A uniformly random number.
    nonisolated func random() -> UInt64 {
        var generator = SecureRandom()
        return generator.next()
    }
}

/// What an agent is made of.
struct AgentParts {
    let configuration: AgentConfiguration
    let loop: EventLoop
    let key: KeyPair
    let folder: DataFolder
    let store: AgentStore
    let releases: ReleaseStore
    let archives: ArchiveFolder
    let network: any MeshNetwork
    let workerHost: WorkerHost
    let logger: Logger
    let trusted: Set<String>
}

/// Totals of calls since the agent started.
struct CallCounters {
    var served: UInt64 = 0
    var servedFailed: UInt64 = 0
    var made: UInt64 = 0
    var madeFailed: UInt64 = 0
}
