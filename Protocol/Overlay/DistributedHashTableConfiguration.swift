package import Identity
package import Kademlia
package import Wire

/// What a table is told at its start.
package struct DistributedHashTableConfiguration: Sendable {
    /// Names the network: the protocol is `<prefix>/kad/1.0.0`. `/ipfs` only to test against other implementations.
    package var prefix = "/dsmp"
    /// Whether it answers others. It never becomes a client by itself, on private and loopback networks neither.
    package var mode = KademliaMode.server
    package var parameters = KademliaParameters()
    /// How long a stream of a peer may be without a complete request.
    package var streamIdleMilliseconds = KademliaLimits.streamIdleMilliseconds
    /// The least time between two saves of the routing table.
    package var saveIntervalMilliseconds: UInt64 = 30_000

    package init() {}
}

/// Why the table could not do what was asked. The text is for people: what happened, then what to do.
package enum DistributedHashTableError: Error, Sendable, CustomStringConvertible {
    case refused(OperationRefusal)
    /// Nobody who was asked knew the peer.
    case peerNotFound(PeerID, asked: Int)
    /// No bootstrap address led to a peer that serves this network.
    case notBootstrapped([BootstrapReport.Failure])
    case cancelled
    case stopped

    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .peerNotFound(let peer, 0):
            "\(peer) was not found: this agent knows no other peer; give it a --bootstrap address"
        case .peerNotFound(let peer, let asked):
            "\(peer) was not found among the peers closest to it (\(asked) asked); check the id, or whether it runs"
        case .notBootstrapped(let failures):
            "no bootstrap address led into the network; "
                + failures.map { "\($0.address): \($0.reason)" }.joined(separator: "; ")
        case .cancelled: "the operation was cancelled"
        case .stopped: "the table has been stopped"
        }
    }
}

/// What became of an attempt to join the network.
package struct BootstrapReport: Sendable {
    /// One address that led nowhere.
    package struct Failure: Sendable {
        package let address: Multiaddr
        package let reason: String
    }
    /// The bootstrap peers that were reached and serve this network.
    package var connected: [PeerID] = []
    package var failures: [Failure] = []
    /// Peers in the table afterwards.
    package var tableCount = 0
}

/// The routing table, for people (`dsmp net route`).
package struct RoutingTableSummary: Sendable {
    /// One peer of the table.
    package struct Peer: Sendable {
        package let contact: PeerContact
        /// Leading bits that its position shares with the own one.
        package let commonPrefixLength: Int
        /// Since it last answered.
        package let idleMilliseconds: UInt64
        /// Whether its last query succeeded.
        package let isHealthy: Bool
    }
    package let protocolID: String
    package let mode: KademliaMode
    /// By common prefix, then oldest first.
    package let peers: [Peer]
    /// Peers for each length of common prefix.
    package let bucketCounts: [Int]
    /// Operations and queries under way.
    package let operationCount: Int
    package let queryCount: Int
}
