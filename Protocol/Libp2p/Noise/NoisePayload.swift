import Identity
import Wire

/// The content of the second and third handshake message (libp2p specs, noise/README.md, "Noise Handshake Payload").
struct NoisePayload: Equatable, Sendable {
    /// The identity key as it came: a ``PublicKey`` protobuf.
    var identityKey: [UInt8]
    /// The identity's signature over the static key.
    var signature: [UInt8]
    /// The muxers that the sender speaks, best first; empty when it does not choose one here.
    var muxers: [String]

    var encoded: [UInt8] {
        var message = NoiseHandshakePayloadMessage()
        message.identityKey = self.identityKey.data
        message.identitySig = self.signature.data
        if !self.muxers.isEmpty { message.extensions.streamMuxers = self.muxers }
        return encode(message)
    }
}

extension NoisePayload {
    /// - Throws: ``NoiseFailure/malformedPayload(_:)``.
    init(decoding bytes: [UInt8]) throws(NoiseFailure) {
        let message: NoiseHandshakePayloadMessage
        do {
            message = try decode(NoiseHandshakePayloadMessage.self, bytes, limit: NoiseHandshake.maximumMessageBytes)
        } catch {
            throw .malformedPayload("\(error)")
        }
        self.init(
            identityKey: Array(message.identityKey), signature: Array(message.identitySig),
            muxers: message.extensions.streamMuxers)
    }

    /// The key of the sender, after its signature over `staticKey` was checked.
    ///
    /// - Throws: ``NoiseFailure/malformedPayload(_:)`` or ``NoiseFailure/invalidSignature``.
    func verifiedKey(staticKey: [UInt8]) throws(NoiseFailure) -> PublicKey {
        let key: PublicKey
        do { key = try PublicKey(protobuf: self.identityKey) } catch { throw .malformedPayload("\(error)") }
        guard key.isValidSignature(self.signature, for: NoiseCredentials.signaturePrefix + staticKey) else {
            throw .invalidSignature
        }
        return key
    }
}
