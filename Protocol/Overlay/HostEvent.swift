package import Identity
package import Libp2p
package import Wire

/// One connection as others may know it.
package struct ConnectionSummary: Sendable {
    package let peer: PeerID
    package let remoteAddress: Multiaddr
    /// Whether the peer dialled us.
    package let isInbound: Bool
    /// Monotonic.
    package let openedMilliseconds: UInt64
    package let streamCount: Int
    /// Smoothed; nil before it was measured.
    package let roundTripMilliseconds: UInt64?
    package let receivedByteCount: UInt64
    package let sentByteCount: UInt64
}

/// A peer with at least one connection.
package struct ConnectedPeer: Sendable {
    package let peer: PeerID
    /// What the peer said about itself; nil until it has.
    package let description: PeerDescription?
    package let connections: [ConnectionSummary]
}

/// What happened at a host.
package enum HostEvent: Sendable {
    /// The first connection with a peer is authenticated.
    case connected(PeerID)
    /// The peer said what it serves and where it listens, for the first time or anew.
    case identified(PeerID, PeerDescription)
    /// The last connection with a peer is over.
    case disconnected(PeerID, ConnectionEnd)
    /// Where this host can be reached has changed.
    case listening([Multiaddr])
}

/// The work that the streams of one protocol are given to. It runs on the loop's thread until it first leaves it.
///
/// When it returns, the stream is finished and what the peer still sends is dropped; when it throws, the stream is reset.
package typealias StreamHandler = @Sendable (PeerStream) async throws -> Void
