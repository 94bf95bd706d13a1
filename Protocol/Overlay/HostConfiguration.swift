/// The bounds of a host. The values given are those of our profile.
package struct HostLimits: Sendable {
    /// Connections of all kinds.
    package var maximumConnections = 512
    /// Connections that peers opened.
    package var maximumInboundConnections = 384
    /// Connections that peers opened and that have not authenticated yet; one more closes the oldest of them.
    package var maximumUnauthenticatedConnections = 64
    /// Connections with one peer; more than one come about when both dial at once.
    package var maximumConnectionsPerPeer = 4
    /// Connections that one IP address may have opened. Loopback is exempt.
    package var maximumInboundConnectionsPerAddress = 32
    /// Connections at which idle ones are closed...
    package var trimmingHighWaterCount = 256
    /// ...until this many are left. Below the maximum, or nobody new would get in.
    package var trimmingLowWaterCount = 192
    /// The time for which a new connection is not trimmed, in milliseconds.
    package var trimmingGraceMilliseconds: UInt64 = 20_000
    /// Attempts to reach a peer that run at once; further ones wait.
    package var maximumConcurrentDials = 64
    /// Addresses of one peer that one attempt tries.
    package var maximumDialedAddresses = 16
    /// Streams that one peer may have opened and not ended, over one connection.
    package var maximumInboundStreamsPerConnection = 512
    /// Streams for one protocol that one peer may have opened, unless the handler says otherwise.
    package var maximumStreamsPerProtocolAndPeer = 128
    /// Streams that peers opened, over all connections.
    package var maximumInboundStreams = 4_096
    /// Bytes read and dropped after a handler returned, before the stream is reset.
    package var maximumDiscardedBytes = 1_048_576
    /// Events that a subscriber may leave unread; the oldest are dropped.
    package var maximumBufferedEvents = 1_024
    /// Bytes moved between two rounds of housekeeping below which a host counts as quiet.
    package var quietByteCount = 4_194_304
    /// Peers that are kept out.
    package var maximumBannedPeers = 1_024

    package init() {}
}

/// How a host behaves in time. All values in milliseconds.
package struct HostTimeouts: Sendable {
    /// One attempt to reach one address, until the peer is authenticated.
    package var dialMilliseconds: UInt64 = 15_000
    /// The same for a loopback or private address.
    package var localDialMilliseconds: UInt64 = 5_000
    /// The next address is tried this long after the one before, if that has neither failed nor succeeded.
    package var dialStaggerMilliseconds: UInt64 = 250
    /// The first wait after an address failed; it doubles each time.
    package var backOffMilliseconds: UInt64 = 5_000
    /// The longest wait after an address failed.
    package var maximumBackOffMilliseconds: UInt64 = 300_000
    /// Until an identify stream must have ended.
    package var identifyMilliseconds: UInt64 = 10_000
    /// Between a change of ours and telling the peers, so that several changes go out as one.
    package var pushDelayMilliseconds: UInt64 = 50
    /// For which a duplicate connection without streams is kept.
    package var duplicateMilliseconds: UInt64 = 10_000
    /// Between two rounds of housekeeping.
    package var housekeepingMilliseconds: UInt64 = 10_000
    /// For handlers to end after their streams were closed at shutdown.
    package var shutdownMilliseconds: UInt64 = 2_000

    package init() {}
}

/// What a host is told at its start.
package struct HostConfiguration: Sendable {
    /// Shown to other peers, such as `dsmp/0.1.0`.
    package var agentVersion = "dsmp/0.1.0"
    /// Shown to other peers: which network this is.
    package var protocolVersion = "dsmp/1.0.0"
    package var limits = HostLimits()
    package var timeouts = HostTimeouts()
    /// The ways to reach other peers, the preferred first.
    package var transports: [any Transport] = [TCPTransport()]

    package init() {}
}
