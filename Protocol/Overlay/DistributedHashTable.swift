import Cryptography
import Identity
package import Kademlia
import Libuv
package import Logging
import Wire

/// The distributed hash table on real connections (Specs/kademlia.md): carries out what a ``KademliaNode`` wants done.
///
/// An actor on the host's event loop. It holds no rules: who is asked, stored and believed is the node's affair.
package actor DistributedHashTable {
    /// Which network this is: `/<prefix>/kad/1.0.0`.
    package nonisolated let protocolID: String
    package nonisolated let configuration: DistributedHashTableConfiguration
    package nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    nonisolated let loop: EventLoop
    let host: Host
    let logger: Logger
    let tableStore: (any RoutingTableStore)?
    var node: KademliaNode

    /// Where to start when the table is small.
    var bootstrapAddresses: [Multiaddr] = []
    var isRunning = false
    /// Who waits for the end of an operation, and who for news of it.
    var waiters: [OperationID: LoopContinuation<OperationEnd>] = [:]
    var listeners: [OperationID: @Sendable (OperationProgress) -> Void] = [:]
    var queryTasks: [QueryID: Task<Void, Never>] = [:]
    var upkeepTasks: [Task<Void, Never>] = []
    var seekTask: Task<Void, Never>?
    /// The streams that peers ask on, and when each was last used, in monotonic milliseconds.
    var inboundStreams: [Int: (stream: PeerStream, usedAtMilliseconds: UInt64)] = [:]
    var nextInboundNumber = 1
    var timer: LoopTimer?
    var armedDeadline = UInt64.max
    var sweeper: LoopTimer?
    var savedContacts: [PeerContact] = []
    var savedAtMilliseconds: UInt64 = 0
    /// Conflicts between records seen so far: their publishers equivocated.
    package private(set) var conflictCount = 0

    /// How an operation ended.
    struct OperationEnd: Sendable {
        /// Nil when it was cancelled or the table was stopped.
        let result: OperationResult?
        let tally: Lookup.Tally
    }

    /// Creates a table that neither asks nor answers yet.
    ///
    /// - Parameters:
    ///   - host: carries the streams; both share one loop.
    ///   - configuration: network, mode and parameters.
    ///   - validators: the rules for values, by namespace.
    ///   - records: where values are kept.
    ///   - providers: where it is kept who provides what.
    ///   - tableStore: keeps the routing table over a restart; nil keeps nothing.
    ///   - logger: for what operators should know.
    /// - Throws: what the stores throw when they are read.
    package init(
        on host: Host, configuration: DistributedHashTableConfiguration = DistributedHashTableConfiguration(),
        validators: ValidatorRegistry, records: any RecordStore = MemoryRecordStore(),
        providers: any ProviderStore = MemoryProviderStore(), tableStore: (any RoutingTableStore)? = nil,
        logger: Logger = Logger(label: "dsmp.dht")
    ) throws {
        self.host = host
        self.loop = host.loop
        self.configuration = configuration
        self.protocolID = "\(configuration.prefix)/kad/1.0.0"
        self.tableStore = tableStore
        self.logger = logger
        self.node = try KademliaNode(
            own: host.peerID, mode: configuration.mode, parameters: configuration.parameters, validators: validators,
            records: records, providers: providers, seed: SecureRandom.bytes(32), at: Self.moment(of: host))
    }

    isolated deinit {}  // Drops the timers on the loop's thread.

    /// Begins to answer (in server mode), to follow the host's peers and to keep the table. Saved peers are asked first.
    package func start() async {
        guard !self.isRunning else { return }
        self.isRunning = true
        let events = await self.host.events()
        if self.configuration.mode == .server {
            await self.host.handle(
                self.protocolID, maximumStreamsPerPeer: KademliaLimits.maximumInboundStreamsPerPeer
            ) { [weak self] stream in
                try await self?.serve(stream)
            }
        }
        self.apply(.announces(await self.host.listenAddresses))
        for peer in await self.host.connectedPeers {
            if let description = peer.description { self.identified(peer.peer, description) }
        }
        self.restore()
        self.upkeepTasks.append(
            Task(executorPreference: self.loop.taskExecutor) { [weak self] in
                for await event in events { await self?.onEvent(event) }
            })
        self.apply(.tick)
    }

    /// Saves the table, stops answering and ends what is under way: its callers get
    /// ``DistributedHashTableError/stopped``.
    package func stop() async {
        guard self.isRunning else { return }
        self.isRunning = false
        self.savedAtMilliseconds = 0
        self.saveTable()
        for task in self.upkeepTasks { task.cancel() }
        self.upkeepTasks = []
        self.seekTask?.cancel()
        for task in self.queryTasks.values { task.cancel() }
        self.queryTasks = [:]
        self.timer?.close()
        self.timer = nil
        self.sweeper?.close()
        self.sweeper = nil
        for entry in self.inboundStreams.values { entry.stream.reset() }
        let waiting = self.waiters
        self.waiters = [:]
        self.listeners = [:]
        for waiter in waiting.values { waiter.resume(returning: OperationEnd(result: nil, tally: Lookup.Tally())) }
        if self.configuration.mode == .server { await self.host.stopHandling(self.protocolID) }
    }

    // MARK: The node

    nonisolated static func moment(of host: Host) -> Moment {
        Moment(monotonicMilliseconds: host.now, unixMilliseconds: host.unixMilliseconds)
    }

    nonisolated var now: Moment { Self.moment(of: self.host) }

    func apply(_ input: KademliaInput) { self.carryOut(self.node.step(input, at: self.now)) }

    func carryOut(_ effects: [KademliaEffect]) {
        for effect in effects {
            switch effect {
            case .query(let id, let contact, let request): self.begin(id, contact, request)
            case .abandon(let id): self.queryTasks.removeValue(forKey: id)?.cancel()
            case .progress(let id, let progress): self.listeners[id]?(progress)
            case .finished(let id, let result, let tally):
                self.listeners[id] = nil
                self.waiters.removeValue(forKey: id)?.resume(returning: OperationEnd(result: result, tally: tally))
            case .seekPeers: self.seekPeers()
            case .conflict(let conflict):
                self.conflictCount += 1
                self.logger.notice(
                    "a publisher signed two records of one rank",
                    metadata: ["key": "\(String(decoding: conflict.key, as: UTF8.self))"])
            case .storeFailed(let error):
                self.logger.error("the table could not be kept", metadata: ["reason": "\(error)"])
            }
        }
        self.armTimer()
    }

    /// Sets the timer when the node wants to be called before it would fire. One that fires too early does no harm.
    private func armTimer() {
        guard self.isRunning else { return }
        let deadline = self.node.nextDeadline
        guard deadline < self.armedDeadline else { return }
        if self.timer == nil { self.timer = try? LoopTimer(on: self.loop) }
        self.armedDeadline = deadline
        let now = self.now.monotonicMilliseconds
        self.timer?.start(afterMilliseconds: deadline > now ? deadline - now : 0) { [weak self] in
            self?.assumeIsolated { $0.onTimer() }
        }
    }

    private func onTimer() {
        self.armedDeadline = .max
        self.apply(.tick)
        self.saveTable()
    }

    // MARK: Peers

    private func onEvent(_ event: HostEvent) {
        guard self.isRunning else { return }
        switch event {
        case .identified(let peer, let description): self.identified(peer, description)
        case .listening(let addresses): self.apply(.announces(addresses.compactMap(\.withoutPeerID)))
        case .connected, .disconnected: break
        }
    }

    private func restore() {
        guard let tableStore = self.tableStore else { return }
        do {
            self.savedContacts = try tableStore.load()
            self.apply(.restored(self.savedContacts))
        } catch {
            self.logger.warning("the saved table was not loaded", metadata: ["reason": "\(error)"])
        }
    }

    /// Saves the table when it has changed, and not more often than the interval says. An empty one is not saved: what was saved before is still the best start.
    private func saveTable() {
        guard let tableStore = self.tableStore else { return }
        let now = self.now.monotonicMilliseconds
        let interval = self.configuration.saveIntervalMilliseconds
        guard self.savedAtMilliseconds == 0 || self.savedAtMilliseconds + interval <= now else { return }
        let contacts = self.node.table.snapshot
        guard !contacts.isEmpty, contacts != self.savedContacts else { return }
        do {
            try tableStore.save(contacts)
            self.savedContacts = contacts
            self.savedAtMilliseconds = now
        } catch {
            self.logger.warning("the table was not saved", metadata: ["reason": "\(error)"])
        }
    }
}
