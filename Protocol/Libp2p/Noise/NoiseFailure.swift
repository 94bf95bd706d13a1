package import Identity

/// Why the secure channel could not be made or broke. Each ends the connection (Specs/libp2p.md, section 4.5).
package enum NoiseFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// A handshake message is shorter than its keys and tags.
    case messageTooShort
    /// A handshake message is longer than ``NoiseHandshake/maximumMessageBytes``.
    case messageTooLong(byteCount: Int)
    /// A key of the peer gives a secret that everybody knows.
    case unsafeKey
    /// A handshake message or record was damaged, replayed or encrypted with other keys.
    case authenticationFailed(message: Int)
    case malformedPayload(String)
    /// The peer's identity key did not sign its static key.
    case invalidSignature
    case wrongPeer(expected: PeerID, found: PeerID)
    /// The peer has our own identity: we dialled ourselves.
    case ownIdentity
    case noCommonMuxer([String])
    /// A record is shorter than its tag.
    case recordTooShort(byteCount: Int)

    package var description: String {
        switch self {
        case .messageTooShort: "a Noise handshake message is too short"
        case .messageTooLong(let byteCount):
            "a Noise handshake message of \(byteCount) bytes is longer than \(NoiseHandshake.maximumMessageBytes)"
        case .unsafeKey: "the peer sent a key that protects nothing"
        case .authenticationFailed(let message): "Noise message \(message) is damaged or not from this handshake"
        case .malformedPayload(let reason): "the peer's Noise payload is malformed: \(reason)"
        case .invalidSignature: "the peer could not prove its identity: the signature of its key is not valid"
        case .wrongPeer(let expected, let found):
            "the peer at this address is \(found), not \(expected); look its address up again"
        case .ownIdentity: "the address is our own"
        case .noCommonMuxer(let offered): "the peer speaks none of our muxers, only: \(offered.joined(separator: ", "))"
        case .recordTooShort(let byteCount): "a Noise record of \(byteCount) bytes has no room for its tag"
        }
    }
}
