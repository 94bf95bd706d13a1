package import Cryptography
package import Wire

/// Why an identity, or something that one signed, was refused.
package enum IdentityError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes or the text are malformed.
    case malformed(WireError)
    /// The key inside is refused.
    case key(KeyError)
    /// The signature is not by the key it names, or not over these bytes and this domain.
    case invalidSignature
    /// The payload is of another type than the place takes.
    case wrongPayloadType([UInt8])
    /// Somebody signed for somebody else.
    case wrongPeer(expected: PeerID, found: PeerID)

    package var description: String {
        switch self {
        case .malformed(let error): "\(error)"
        case .key(let error): "\(error)"
        case .invalidSignature: "the signature does not fit; the bytes were damaged, or signed for another purpose"
        case .wrongPayloadType(let type):
            "the signed payload is of the type \(type.hexadecimal), which is not taken here"
        case .wrongPeer(let expected, let found): "it is signed by \(found), not by \(expected)"
        }
    }
}
