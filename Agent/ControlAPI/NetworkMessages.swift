/// One connected peer.
package struct PeerSummary: Sendable, Hashable, Codable {
    package enum Direction: String, Sendable, Hashable, Codable {
        case inbound, outbound
    }

    package var peerID: String
    package var address: String
    package var direction: Direction
    /// What the peer calls its software; its claim.
    package var agentVersion: String
    package var connectedSeconds: UInt64
    package var streams: Int
    /// The last measured round trip; nil before the first ping.
    package var roundTripMicroseconds: UInt64?

    package init(
        peerID: String, address: String, direction: Direction, agentVersion: String, connectedSeconds: UInt64,
        streams: Int, roundTripMicroseconds: UInt64? = nil
    ) {
        self.peerID = peerID
        self.address = address
        self.direction = direction
        self.agentVersion = agentVersion
        self.connectedSeconds = connectedSeconds
        self.streams = streams
        self.roundTripMicroseconds = roundTripMicroseconds
    }
}

/// Asks for the routing table, ordered by distance to a peer when one is given.
package struct RouteRequest: Sendable, Hashable, Codable {
    package var peer: String?

    package init(peer: String? = nil) {
        self.peer = peer
    }
}

package struct RouteEntry: Sendable, Hashable, Codable {
    package var peerID: String
    /// How many leading bits its key shares with ours, or with the target's.
    package var sharedBits: Int
    package var addresses: [String]
    package var connected: Bool

    package init(peerID: String, sharedBits: Int, addresses: [String], connected: Bool) {
        self.peerID = peerID
        self.sharedBits = sharedBits
        self.addresses = addresses
        self.connected = connected
    }
}

package struct PingRequest: Sendable, Hashable, Codable {
    /// The most rounds of one request.
    package static let countLimit = 100

    /// A peer id, or a multiaddr that ends with one.
    package var peer: String
    package var count: Int

    package init(peer: String, count: Int = 4) {
        self.peer = peer
        self.count = count
    }
}

package struct PingReport: Sendable, Hashable, Codable {
    package var peerID: String
    package var roundTripMicroseconds: [UInt64]

    package init(peerID: String, roundTripMicroseconds: [UInt64]) {
        self.peerID = peerID
        self.roundTripMicroseconds = roundTripMicroseconds
    }
}
