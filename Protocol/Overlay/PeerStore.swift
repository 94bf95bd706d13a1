package import Identity
package import Wire

/// What is remembered of a peer between connections.
package struct KnownPeer: Sendable, Equatable {
    package let peer: PeerID
    /// The most recently useful first; at most ``PeerBook/maximumAddressesPerPeer``.
    package var addresses: [Multiaddr]
    package var protocols: [String]
    package var agentVersion: String?
    /// When a connection with it was last authenticated (wall time); 0 for never.
    package var lastConnectedUnixMilliseconds: UInt64

    package init(
        peer: PeerID, addresses: [Multiaddr], protocols: [String] = [], agentVersion: String? = nil,
        lastConnectedUnixMilliseconds: UInt64 = 0
    ) {
        self.peer = peer
        self.addresses = addresses
        self.protocols = protocols
        self.agentVersion = agentVersion
        self.lastConnectedUnixMilliseconds = lastConnectedUnixMilliseconds
    }
}

/// Keeps known peers over a restart.
package protocol PeerStore: Sendable {
    /// What was saved last; empty at first.
    func loadPeers() async throws -> [KnownPeer]
    /// Replaces what was saved.
    func savePeers(_ peers: [KnownPeer]) async throws
}

/// What is known of peers, in memory and bounded: beyond the bound, the peer that was of use the longest ago is forgotten.
package struct PeerBook: Sendable {
    /// Addresses kept of one peer; the oldest are dropped.
    package static let maximumAddressesPerPeer = 16
    /// Protocol names kept of one peer.
    package static let maximumProtocolsPerPeer = 128

    /// Peers kept.
    package let maximumPeers: Int
    private var peers: [PeerID: (known: KnownPeer, use: UInt64)] = [:]
    private var uses: UInt64 = 0

    package init(maximumPeers: Int = 4_096) { self.maximumPeers = maximumPeers }

    /// The number of peers known.
    package var count: Int { self.peers.count }

    package subscript(peer: PeerID) -> KnownPeer? { self.peers[peer]?.known }

    /// All peers, the most recently used last.
    package var all: [KnownPeer] { self.peers.values.sorted { $0.use < $1.use }.map(\.known) }

    /// Adds addresses in front of those known. A peer id at their end is taken off.
    package mutating func add(_ addresses: [Multiaddr], of peer: PeerID) {
        self.update(peer) { known in
            for address in addresses.prefix(Self.maximumAddressesPerPeer).reversed() {
                guard let bare = address.withoutPeerID else { continue }
                known.addresses.removeAll { $0 == bare }
                known.addresses.insert(bare, at: 0)
            }
            known.addresses.removeLast(max(0, known.addresses.count - Self.maximumAddressesPerPeer))
        }
    }

    /// Replaces the addresses and protocols with what the peer says itself.
    package mutating func replace(addresses: [Multiaddr]?, protocols: [String]?, agentVersion: String?, of peer: PeerID)
    {
        if let addresses {
            self.update(peer) { $0.addresses = [] }
            self.add(addresses, of: peer)
        }
        self.update(peer) { known in
            if let protocols { known.protocols = Array(protocols.prefix(Self.maximumProtocolsPerPeer)) }
            known.agentVersion = agentVersion ?? known.agentVersion
        }
    }

    /// Notes that a connection was authenticated over an address.
    package mutating func connected(_ peer: PeerID, over address: Multiaddr?, unixMilliseconds: UInt64) {
        if let address { self.add([address], of: peer) }
        self.update(peer) { $0.lastConnectedUnixMilliseconds = unixMilliseconds }
    }

    /// Takes in what was saved.
    package mutating func restore(_ saved: [KnownPeer]) {
        for known in saved.suffix(self.maximumPeers) where self.peers[known.peer] == nil {
            self.add(known.addresses, of: known.peer)
            self.update(known.peer) {
                $0.protocols = Array(known.protocols.prefix(Self.maximumProtocolsPerPeer))
                $0.agentVersion = known.agentVersion
                $0.lastConnectedUnixMilliseconds = known.lastConnectedUnixMilliseconds
            }
        }
    }

    private mutating func update(_ peer: PeerID, _ change: (inout KnownPeer) -> Void) {
        self.uses += 1
        var known = self.peers[peer]?.known ?? KnownPeer(peer: peer, addresses: [])
        change(&known)
        self.peers[peer] = (known, self.uses)
        guard self.peers.count > self.maximumPeers else { return }
        // Rare, once the book is full: an eighth goes at once.
        let oldest = self.peers.sorted { $0.value.use < $1.value.use }.prefix(max(1, self.maximumPeers / 8))
        for entry in oldest { self.peers[entry.key] = nil }
    }
}
