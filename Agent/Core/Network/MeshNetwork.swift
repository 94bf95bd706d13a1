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
