package import Cryptography
import Wire

/// A peer's own Ed25519 key. May be shared by threads: signing changes nothing.
package final class KeyPair: Sendable {
    private let signingKey: SigningKey
    private let seed: [UInt8]
    package let publicKey: PublicKey
    package let peerID: PeerID

    /// The key pair of a seed.
    ///
    /// - Parameter seed: 32 bytes, random for a new identity.
    /// - Throws: ``KeyError/wrongSeedLength(byteCount:)``.
    package init(seed: [UInt8]) throws(KeyError) {
        self.signingKey = try SigningKey(seed: seed)
        self.seed = seed
        self.publicKey = try PublicKey(ed25519: self.signingKey.publicKey)
        self.peerID = PeerID(self.publicKey)
    }

    /// The 64 bytes of the signature over `message`.
    package func sign(_ message: [UInt8]) -> [UInt8] { self.signingKey.sign(message) }

    /// The private key as libp2p encodes it: seed and public key (libp2p specs, peer-ids/peer-ids.md). Secret.
    package var privateKeyProtobuf: [UInt8] { [0x08, 0x01, 0x12, 0x40] + self.seed + self.publicKey.data }

    /// Decodes a private key as libp2p encodes it, in the present form of 64 bytes or the old one of 96, which holds the
    /// public key twice.
    ///
    /// - Throws: ``IdentityError/malformed(_:)`` for another kind of key or a public key that does not belong to it.
    package convenience init(privateKeyProtobuf bytes: [UInt8]) throws(IdentityError) {
        let message: PrivateKeyMessage
        do { message = try decode(PrivateKeyMessage.self, bytes, limit: 256) } catch { throw .malformed(error) }
        guard message.type == .ed25519 else { throw .malformed(.unsupported("a private key that is not Ed25519")) }
        let data = Array(message.data)
        guard data.count == 64 || data.count == 96 else {
            throw .malformed(.malformed("the private key has \(data.count) bytes, not 64 or 96"))
        }
        do { try self.init(seed: Array(data[..<32])) } catch { throw .key(error) }
        for copy in stride(from: 32, to: data.count, by: 32) where data[copy..<copy + 32] != self.publicKey.data[...] {
            throw .malformed(.malformed("the private and the public key do not belong together"))
        }
    }

    /// The X25519 key that belongs to this identity, to open what was sealed to it. Freed with the value.
    package func keyAgreementKey() -> KeyAgreementKey { KeyAgreementKey(ed25519Seed: self.seed) }
}
