package import Cryptography
package import Identity
import Wire

/// What a peer shows in every handshake: its static key, signed by its identity. Made once for a process, since making
/// it costs a signature; never stored.
package final class NoiseCredentials: Sendable {
    /// The muxers that we speak, best first.
    package static let muxers = ["/yamux/1.0.0"]
    /// What is signed in front of the static key (libp2p specs, noise/README.md, "Static Key Authentication").
    static let signaturePrefix = Array("noise-libp2p-static-key:".utf8)

    /// Whose credentials these are.
    package let peerID: PeerID
    /// What is offered in the handshake.
    let muxers: [String]
    let staticKey: KeyAgreementKey
    /// The payload of our handshake message, the same in every connection.
    let payload: [UInt8]

    /// - Parameters:
    ///   - identity: who we are.
    ///   - staticPrivateKey: 32 random bytes, used for nothing else.
    ///   - muxers: what is offered, best first; none leaves the choice to a negotiation.
    /// - Throws: ``KeyError`` when the static key is refused.
    package init(
        identity: KeyPair, staticPrivateKey: [UInt8], muxers: [String] = NoiseCredentials.muxers
    ) throws(KeyError) {
        self.peerID = identity.peerID
        self.muxers = muxers
        self.staticKey = try KeyAgreementKey(privateKey: staticPrivateKey)
        self.payload =
            NoisePayload(
                identityKey: identity.publicKey.protobuf,
                signature: identity.sign(Self.signaturePrefix + self.staticKey.publicKey), muxers: muxers
            ).encoded
    }
}
