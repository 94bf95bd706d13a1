package import Identity
package import Wire

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
