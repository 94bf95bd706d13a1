package import Cryptography
package import Identity
import Libp2p
package import Libuv
package import Logging
package import Wire

/// A libp2p host: listens, dials, authenticates, and gives streams for protocols to both sides' users.
///
/// An actor on an event loop: its connections and streams live on that loop's thread, and so should its users. Everything
/// is bounded by ``HostLimits`` and ``HostTimeouts``.
package actor Host {
    /// Who this host is.
    package nonisolated let peerID: PeerID
    /// The loop that everything here runs on.
    package nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }
    package nonisolated let configuration: HostConfiguration

    let identity: KeyPair
    let credentials: NoiseCredentials
    let store: (any PeerStore)?
    let logger: Logger
    let traffic = HostTraffic()

    /// One peer with at least one authenticated connection.
    struct Peer {
        /// The preferred first, in an order that both sides agree on: those that the smaller id dialled, then by age.
        private(set) var connections: [PeerConnection] = []
        var description: PeerDescription?
        var identifyFailure: HostError?
        var identifyWaiters: [LoopContinuation<Result<PeerDescription, HostError>>] = []

        mutating func insert(_ connection: PeerConnection, isOwnIDSmaller: Bool) {
            let isPreferred = connection.isInbound != isOwnIDSmaller
            let place = isPreferred ? self.connections.firstIndex { $0.isInbound == isOwnIDSmaller } : nil
            self.connections.insert(connection, at: place ?? self.connections.count)
        }

        mutating func remove(_ connection: PeerConnection) { self.connections.removeAll { $0 === connection } }
    }
    /// What serves one protocol.
    struct Service {
        let handler: StreamHandler
        let maximumStreamsPerPeer: Int
        /// Streams that are open, by peer.
        var streamCounts: [PeerID: Int] = [:]
    }

    var connections: [Int: PeerConnection] = [:]
    var nextSerial = 1
    var peers: [PeerID: Peer] = [:]
    var book = PeerBook()
    var services: [String: Service] = [:]
    var inboundStreamCount = 0
    var handlerTasks: [Int: Task<Void, Never>] = [:]
    var nextTask = 1
    var listeners: [any TransportListener] = []
    var announcedAddresses: [Multiaddr] = []
    var signedRecord: [UInt8] = []
    var recordSequence: UInt64 = 0
    var dials: [PeerID: DialRace] = [:]
    var waitingDials: [DialRace] = []
    var backOff = DialBackOff()
    /// Until when a peer is kept out, in monotonic milliseconds.
    var bans: [PeerID: UInt64] = [:]
    var protections: [PeerID: Set<String>] = [:]
    var subscribers: [Int: AsyncStream<HostEvent>.Continuation] = [:]
    var nextSubscriber = 1
    var housekeeping: LoopTimer?
    var pushTimer: LoopTimer?
    /// Whether the host was not quiet at the last housekeeping.
    var hasWorked = false
    var isShutDown = false
    var handlersTimer: LoopTimer?
    var handlersWaiter: LoopContinuation<Void>?

    /// Creates a host that neither listens nor dials yet.
    ///
    /// - Parameters:
    ///   - identity: whose host this is.
    ///   - loop: where it runs.
    ///   - configuration: bounds and texts.
    ///   - store: keeps known peers over a restart; nil keeps none.
    ///   - logger: for what operators should know; nothing is logged at a peer's request above `debug`.
    /// - Throws: ``KeyError`` when OpenSSL refuses a key.
    package init(
        identity: KeyPair, on loop: EventLoop, configuration: HostConfiguration = HostConfiguration(),
        store: (any PeerStore)? = nil, logger: Logger = Logger(label: "dsmp.overlay")
    ) throws(KeyError) {
        self.peerID = identity.peerID
        self.identity = identity
        self.loop = loop
        self.configuration = configuration
        self.credentials = try NoiseCredentials(identity: identity, staticPrivateKey: SecureRandom.bytes(32))
        self.store = store
        self.logger = logger
    }

    isolated deinit {}  // Drops listeners and connections on the loop's thread.

    /// Loads known peers and begins housekeeping and the services of every host: identify, its push, and ping.
    package func start() async {
        guard !self.isShutDown, self.housekeeping == nil else { return }
        self.registerIdentify()
        self.registerPing()
        self.startHousekeeping()
        self.refreshRecord()
        guard let store = self.store else { return }
        do { self.book.restore(try await store.loadPeers()) } catch {
            self.logger.warning("known peers were not loaded", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: Peers

    /// The peers with a connection, in the order of their ids.
    package var connectedPeers: [ConnectedPeer] {
        self.peers.keys.sorted().compactMap { self.connectedPeer($0) }
    }

    /// What is known of a connected peer; nil when there is no connection.
    package func connectedPeer(_ peer: PeerID) -> ConnectedPeer? {
        guard let entry = self.peers[peer] else { return nil }
        return ConnectedPeer(
            peer: peer, description: entry.description,
            connections: entry.connections.map { connection in
                ConnectionSummary(
                    peer: peer, remoteAddress: connection.remoteAddress, isInbound: connection.isInbound,
                    openedMilliseconds: connection.openedMilliseconds, streamCount: connection.streams.count,
                    roundTripMilliseconds: connection.machine.roundTripMilliseconds,
                    receivedByteCount: connection.receivedByteCount, sentByteCount: connection.sentByteCount)
            })
    }

    /// Whether there is an authenticated connection.
    package func isConnected(to peer: PeerID) -> Bool { self.peers[peer] != nil }

    /// The addresses known of a peer, without its id, the most recently useful first.
    package func knownAddresses(of peer: PeerID) -> [Multiaddr] { self.book[peer]?.addresses ?? [] }

    /// Remembers addresses of a peer, such as those that the DHT told.
    package func remember(_ addresses: [Multiaddr], of peer: PeerID) { self.book.add(addresses, of: peer) }

    /// Everything remembered, the most recently used last.
    package var knownPeers: [KnownPeer] { self.book.all }

    /// Keeps the connections with a peer from being trimmed, for a named reason, until ``unprotect(_:for:)``.
    package func protect(_ peer: PeerID, for reason: String) { self.protections[peer, default: []].insert(reason) }

    /// Takes back ``protect(_:for:)``.
    package func unprotect(_ peer: PeerID, for reason: String) {
        self.protections[peer]?.remove(reason)
        if self.protections[peer]?.isEmpty == true { self.protections[peer] = nil }
    }

    /// Closes every connection with a peer.
    package func disconnect(_ peer: PeerID) {
        for connection in self.peers[peer]?.connections ?? [] { connection.close() }
    }

    /// Closes every connection with a peer and refuses new ones for a time.
    package func ban(_ peer: PeerID, forMilliseconds duration: UInt64) {
        if self.bans.count >= self.configuration.limits.maximumBannedPeers,
            let first = self.bans.min(by: { $0.value < $1.value })
        {
            self.bans[first.key] = nil
        }
        self.bans[peer] = self.now + duration
        self.disconnect(peer)
    }

    func isBanned(_ peer: PeerID) -> Bool { (self.bans[peer] ?? 0) > self.now }

    /// Monotonic, in milliseconds.
    nonisolated var now: UInt64 { MonotonicClock.nowMilliseconds }

    // MARK: Events

    /// Follows what happens from now on. A subscriber that does not keep up loses the oldest events: look at
    /// ``connectedPeers`` for what is.
    package func events() -> AsyncStream<HostEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: HostEvent.self, bufferingPolicy: .bufferingNewest(self.configuration.limits.maximumBufferedEvents))
        guard !self.isShutDown else {
            continuation.finish()
            return stream
        }
        let number = self.nextSubscriber
        self.nextSubscriber += 1
        self.subscribers[number] = continuation
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            Task { await self.unsubscribe(number) }
        }
        return stream
    }

    private func unsubscribe(_ number: Int) { self.subscribers[number] = nil }

    func announce(_ event: HostEvent) {
        for number in self.subscribers.keys.sorted() { self.subscribers[number]?.yield(event) }
    }
}
