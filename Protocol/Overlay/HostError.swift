package import Identity
package import Libp2p
package import Libuv
package import Wire

/// Why a peer was not reached. The text is for people: what happened, then what to do.
package enum HostError: Error, Sendable, CustomStringConvertible {
    /// One address and why it failed.
    package struct DialFailure: Sendable, CustomStringConvertible {
        package enum Reason: Sendable {
            case transport(LibuvError)
            case connection(ConnectionEnd)
            case timedOut(milliseconds: UInt64)
            case noTransport
            case backingOff(milliseconds: UInt64)
        }
        package let address: Multiaddr
        package let reason: Reason

        package var description: String {
            switch self.reason {
            case .transport(let error): "\(self.address): \(error)"
            case .connection(let end): "\(self.address): \(end)"
            case .timedOut(let milliseconds): "\(self.address): no answer within \(milliseconds) ms"
            case .noTransport: "\(self.address): no transport for this kind of address"
            case .backingOff(let milliseconds): "\(self.address): failed before, next attempt in \(milliseconds) ms"
            }
        }
    }

    case noAddresses(PeerID)
    case unreachable(PeerID, [DialFailure])
    case limitReached(String, limit: Int)
    case ownPeerID
    case banned(PeerID)
    case notConnected(PeerID)
    case stream(StreamOpenFailure)
    case negotiation(StreamError)
    case identify(String)
    case cannotListen(LibuvError)
    case noTransport(Multiaddr)
    case addressWithoutPeer(Multiaddr)
    case shutDown

    package var description: String {
        switch self {
        case .noAddresses(let peer): "no address of \(peer) is known; give one, or look the peer up in the DHT"
        case .unreachable(let peer, let failures):
            "\(peer) was not reached; \(failures.map(\.description).joined(separator: "; "))"
        case .limitReached(let what, let limit): "the limit of \(limit) \(what) is reached; try again later"
        case .ownPeerID: "the address leads to this agent itself; two agents cannot share one identity.key"
        case .banned(let peer): "\(peer) is banned here"
        case .notConnected(let peer): "there is no connection with \(peer)"
        case .stream(let failure): failure.description
        case .negotiation(let error): error.description
        case .identify(let reason): "the peer did not identify itself: \(reason)"
        case .cannotListen(let error): error.description
        case .noTransport(let address): "no transport for \(address); use an address such as /ip4/0.0.0.0/tcp/4001"
        case .addressWithoutPeer(let address): "\(address) does not end in /p2p/<peer id>; add the peer's id"
        case .shutDown: "this host has been shut down"
        }
    }
}

/// Why a stream cannot be used any more.
package enum StreamError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The peer or the session ended the stream.
    case ended(StreamEnd)
    /// The connection below is gone.
    case connectionClosed(ConnectionEnd)
    /// This side reset the stream, or wrote after finishing it.
    case closedLocally
    /// The peer finished in the middle of what was to be read.
    case unexpectedEnd
    /// A message of the peer is longer than allowed.
    case messageTooLong(limitBytes: Int)
    /// The length in front of a message is no canonical varint.
    case malformedLength
    /// The task was cancelled.
    case cancelled

    package var description: String {
        switch self {
        case .ended(let end): end.description
        case .connectionClosed(let end): end.description
        case .closedLocally: "the stream was closed on this side"
        case .unexpectedEnd: "the peer ended the stream too early"
        case .messageTooLong(let limit): "the peer sent a message of more than \(limit) bytes"
        case .malformedLength: "the peer sent a malformed length"
        case .cancelled: "the task was cancelled"
        }
    }
}
