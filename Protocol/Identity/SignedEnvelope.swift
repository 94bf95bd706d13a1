import Wire

/// A payload with the signature of a key over it, its type and a domain (libp2p specs, RFC 0002). Whoever holds a value
/// knows that the signature is valid.
package struct SignedEnvelope: Hashable, Sendable {
    /// The longest envelope that is decoded where the place names no limit of its own, in bytes.
    package static let maximumByteCount = 64 << 10

    package let publicKey: PublicKey
    package let domain: SigningDomain
    package let payload: [UInt8]
    package let signature: [UInt8]

    /// Signs `payload`.
    package init(_ payload: [UInt8], domain: SigningDomain, signedBy keyPair: KeyPair) {
        self.publicKey = keyPair.publicKey
        self.domain = domain
        self.payload = payload
        self.signature = keyPair.sign(Self.signedBytes(payload, domain: domain))
    }

    /// Decodes an envelope of at most `limit` bytes and checks its type and signature.
    ///
    /// - Throws: ``IdentityError/malformed(_:)``, ``IdentityError/key(_:)``, ``IdentityError/wrongPayloadType(_:)`` or
    ///   ``IdentityError/invalidSignature``.
    package init(
        verifying bytes: [UInt8], domain: SigningDomain, limit: Int = Self.maximumByteCount
    ) throws(IdentityError) {
        let message: EnvelopeMessage
        do { message = try decode(EnvelopeMessage.self, bytes, limit: limit) } catch { throw .malformed(error) }
        let publicKey = try PublicKey(protobuf: Array(message.publicKey))
        guard message.payloadType.elementsEqual(domain.payloadType) else {
            throw .wrongPayloadType(Array(message.payloadType))
        }
        let payload = Array(message.payload)
        let signature = Array(message.signature)
        guard publicKey.isValidSignature(signature, for: Self.signedBytes(payload, domain: domain)) else {
            throw .invalidSignature
        }
        self.publicKey = publicKey
        self.domain = domain
        self.payload = payload
        self.signature = signature
    }

    /// Who signed.
    package var signer: PeerID { self.publicKey.peerID }

    /// The binary form.
    package var bytes: [UInt8] {
        var message = EnvelopeMessage()
        message.publicKey = self.publicKey.protobuf.data
        message.payloadType = self.domain.payloadType.data
        message.payload = self.payload.data
        message.signature = self.signature.data
        return encode(message)
    }

    /// What is signed: domain, type and payload, each behind the varint of its length.
    package static func signedBytes(_ payload: [UInt8], domain: SigningDomain) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + domain.text.utf8.count + domain.payloadType.count + 12)
        bytes.appendLengthPrefixed(domain.text)
        bytes.appendLengthPrefixed(domain.payloadType)
        bytes.appendLengthPrefixed(payload)
        return bytes
    }
}
