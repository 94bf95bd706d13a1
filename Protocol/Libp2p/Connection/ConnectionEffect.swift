package import Identity

/// What a connection asks of its shell or tells it. Carry effects out in the order in which they were appended. An
/// effect may name a stream that the shell has meanwhile reset: ignore it.
package enum ConnectionEffect: Sendable {
    /// The peer is who it says, and streams can be opened. Comes once, before any stream.
    case established(peer: PeerID, publicKey: PublicKey)
    /// The peer opened a stream for one of the supported protocols.
    case incomingStream(StreamID, protocolID: String)
    /// The peer agreed to a protocol on a stream that we opened. Writing need not wait for it.
    case outgoingStream(StreamID, protocolID: String)
    /// Bytes of a stream, in order. Say ``ConnectionMachine/consumed(_:on:nowMilliseconds:)`` when the application has
    /// taken them: the peer may then send as many more.
    case data(StreamID, ArraySlice<UInt8>)
    /// The peer will send no more on the stream. Writing still works.
    case remoteFinished(StreamID)
    /// There is room again after a write that was not taken whole.
    case writable(StreamID)
    /// The stream is over in both directions before both sides finished. Its name is not valid any more.
    case streamEnded(StreamID, StreamEnd)
    /// How long the peer takes to answer, from a ping of the muxer.
    case roundTripMeasured(milliseconds: UInt64)
    /// The peer takes no new streams. Those that are open go on.
    case remoteGoingAway
    /// The connection is over and with it every stream. Send what ``ConnectionMachine/takeOutput(enoughBytes:into:nowMilliseconds:effects:)``
    /// still gives, then close the transport. Comes once, last.
    case closed(ConnectionEnd)
}

/// Why a stream ended before both sides finished.
package enum StreamEnd: Error, Equatable, Sendable, CustomStringConvertible {
    case resetByPeer
    /// The negotiation of a protocol failed: for instance the peer supports none of the proposals.
    case negotiationFailed(MultistreamFailure)
    /// The peer finished the stream instead of agreeing to a protocol.
    case finishedDuringNegotiation
    case negotiationTimedOut
    /// The peer sent more after it had finished.
    case dataAfterFinish
    /// The application leaves too much unread on this connection.
    case receiveBudgetExceeded

    package var description: String {
        switch self {
        case .resetByPeer: "the peer reset the stream"
        case .negotiationFailed(let failure): failure.description
        case .finishedDuringNegotiation: "the peer ended the stream before it agreed to a protocol"
        case .negotiationTimedOut: "the peer did not agree to a protocol in time"
        case .dataAfterFinish: "the peer sent data on a stream that it had finished"
        case .receiveBudgetExceeded: "too much unread data is waiting on this connection"
        }
    }
}

/// Why a connection ended.
package enum ConnectionEnd: Error, Equatable, Sendable, CustomStringConvertible {
    case closedLocally
    /// The transport below ended or broke.
    case transportEnded
    case closedByPeer(YamuxGoAway)
    /// No secure channel was agreed on.
    case negotiationFailed(MultistreamFailure)
    case secureChannelFailed(NoiseFailure)
    case muxerFailed(YamuxFailure)
    case handshakeTimedOut
    /// The peer left a ping unanswered and sent nothing else.
    case peerSilent

    package var description: String {
        switch self {
        case .closedLocally: "the connection was closed"
        case .transportEnded: "the peer closed the connection"
        case .closedByPeer(let reason): "the peer ended the session: \(reason)"
        case .negotiationFailed(let failure): failure.description
        case .secureChannelFailed(let failure): failure.description
        case .muxerFailed(let failure): failure.description
        case .handshakeTimedOut: "the peer did not complete the handshake in time"
        case .peerSilent: "the peer does not answer any more"
        }
    }
}
