package import Identity
package import Wire

/// What the agent asks of the network under it: streams to peers and the distributed hash table.
///
/// ``OverlayNetwork`` is the real one. The agent's rules do not depend on sockets, so they are tested on a network in
/// memory as well.
package protocol MeshNetwork: Sendable {
    /// Opens a stream to a peer, finding and dialling it when there is no connection.
    ///
    /// - Throws: ``NetworkError/unreachable(_:)`` or ``NetworkError/protocolRefused``.
    func openStream(to peer: PeerID, protocolID: String) async throws(NetworkError) -> any MeshStream
    /// Calls the handler for each stream that a peer opens for the protocol, until the network stops.
    func handle(_ protocolID: String, _ handler: @escaping @Sendable (any MeshStream) async -> Void) async

    /// Stores a value at the peers closest to its key and keeps it stored until ``withdrawValue(key:)``; returns how many
    /// peers took it.
    func putValue(key: [UInt8], value: [UInt8]) async throws(NetworkError) -> Int
    /// The best valid value of a key; nil when nobody has one.
    func getValue(key: [UInt8]) async throws(NetworkError) -> [UInt8]?
    /// Stops keeping a value stored; it stays where it is until it expires.
    func withdrawValue(key: [UInt8]) async
    /// Announces this peer as a provider and keeps doing so until ``withdrawProvider(key:)``; returns how many peers took
    /// the announcement.
    func provide(key: [UInt8]) async throws(NetworkError) -> Int
    func withdrawProvider(key: [UInt8]) async
    /// Peers that say they provide the key: hints, this peer excluded.
    func providers(key: [UInt8], limit: Int) async throws(NetworkError) -> [PeerAddress]
    /// Where a peer says it can be reached.
    func findPeer(_ peer: PeerID) async throws(NetworkError) -> PeerAddress

    /// Remembers where a peer may be, for later dials.
    func addAddresses(_ addresses: [Multiaddr], of peer: PeerID) async
    /// Connects to an address that ends with a peer id.
    func connect(to address: Multiaddr) async throws(NetworkError) -> PeerID
    /// Where this peer can be dialled, each ending with its peer id.
    func ownAddresses() async -> [Multiaddr]
    func connections() async -> [PeerLink]
    /// The routing table.
    func routingTable() async -> [PeerAddress]
    /// The round trip to a peer, in microseconds.
    func ping(_ peer: PeerID) async throws(NetworkError) -> UInt64
    /// Whether it listens and, when it was given bootstrap addresses, has reached one.
    func isReady() async -> Bool
    /// Bounds that the network enforces.
    func limits() async -> [NetworkLimit]

    /// Closes everything.
    func stop() async
}

/// A byte stream to one peer, authenticated and encrypted. One task may read while another writes.
package protocol MeshStream: AnyObject, Sendable {
    /// Who is at the other end, as the secure channel authenticated it.
    var peer: PeerID { get }
    /// The next bytes; nil after the peer finished its direction.
    func read() async throws(NetworkError) -> [UInt8]?
    /// Writes and returns when more may be written.
    func write(_ bytes: [UInt8]) async throws(NetworkError)
    /// Finishes this direction.
    func finishWriting() async throws(NetworkError)
    /// Ends both directions at once; what waits throws. From any thread.
    func reset()
}

/// Why the network did not do what was asked.
package enum NetworkError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No connection could be had; the text says why.
    case unreachable(String)
    /// The peer does not speak the protocol.
    case protocolRefused
    /// The stream, or its connection, ended.
    case closed(String)
    /// It took too long.
    case timedOut
    /// A record was not valid, or older than the one that is known; the text says which.
    case refusedRecord(String)
    /// What the peer sent breaks a bound or is malformed.
    case malformed(String)
    /// A bound of this agent's own.
    case exhausted(String)

    package var description: String {
        switch self {
        case .unreachable(let reason): "the peer cannot be reached: \(reason)"
        case .protocolRefused: "the peer does not speak the protocol; it may run another version"
        case .closed(let reason): "the connection ended: \(reason)"
        case .timedOut: "the peer did not answer in time"
        case .refusedRecord(let reason): "the record was refused: \(reason)"
        case .malformed(let reason): "the peer's answer is malformed: \(reason)"
        case .exhausted(let reason): reason
        }
    }
}

/// A peer and where it says it is.
package struct PeerAddress: Sendable, Hashable {
    package var peer: PeerID
    package var addresses: [Multiaddr]

    package init(peer: PeerID, addresses: [Multiaddr] = []) {
        self.peer = peer
        self.addresses = addresses
    }
}

/// One connection to a peer.
package struct PeerLink: Sendable, Hashable {
    package var peer: PeerID
    package var address: Multiaddr?
    package var isInbound: Bool
    /// What the peer calls its software.
    package var agentVersion: String
    package var connectedMilliseconds: UInt64
    package var streams: Int

    package init(
        peer: PeerID, address: Multiaddr?, isInbound: Bool, agentVersion: String, connectedMilliseconds: UInt64,
        streams: Int
    ) {
        self.peer = peer
        self.address = address
        self.isInbound = isInbound
        self.agentVersion = agentVersion
        self.connectedMilliseconds = connectedMilliseconds
        self.streams = streams
    }
}

/// One bound of the network.
package struct NetworkLimit: Sendable, Hashable {
    package var name: String
    package var unit: String
    package var limit: UInt64
    package var used: UInt64?

    package init(name: String, unit: String, limit: UInt64, used: UInt64? = nil) {
        self.name = name
        self.unit = unit
        self.limit = limit
        self.used = used
    }
}
