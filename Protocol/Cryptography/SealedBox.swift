/// Bytes that only one peer can read (Specs/sealed-box.md). It does not say who sealed them.
package enum SealedBox {
    /// How much longer a box is than its plaintext, in bytes.
    package static let overheadByteCount = 1 + KeyAgreementKey.byteCount + ChaChaPoly.tagByteCount
    /// The longest plaintext, in bytes.
    package static let maximumPlaintextByteCount = 1 << 20

    private static let version: UInt8 = 1
    private static let information = Array("dsmp sealed box 1".utf8)

    /// Seals `plaintext` to the holder of a key.
    ///
    /// - Parameters:
    ///   - plaintext: at most ``maximumPlaintextByteCount`` bytes; more traps.
    ///   - recipient: an X25519 public key, perhaps from ``KeyAgreementKey/publicKey(ofEd25519:)``.
    ///   - associatedData: where the box belongs; not inside it, and needed to open it.
    ///   - ephemeralPrivateKey: 32 random bytes that are used for this box alone and then forgotten.
    /// - Returns: the box, ``overheadByteCount`` longer than the plaintext.
    /// - Throws: ``KeyError/smallOrderPoint`` or ``KeyError/wrongKeyLength(byteCount:expectedByteCount:)`` for a recipient
    ///   that nobody can be, ``KeyError/wrongSeedLength(byteCount:)`` for an ephemeral key of another length.
    package static func seal(
        _ plaintext: [UInt8], to recipient: [UInt8], associatedData: [UInt8], ephemeralPrivateKey: [UInt8]
    ) throws(KeyError) -> [UInt8] {
        precondition(plaintext.count <= self.maximumPlaintextByteCount, "a sealed box holds at most 1 MiB")
        let ephemeral = try KeyAgreementKey(privateKey: ephemeralPrivateKey)
        let secret = try ephemeral.sharedSecret(with: recipient)
        let (key, nonce) = self.schedule(secret, ephemeral: ephemeral.publicKey, recipient: recipient)
        var sealer = ChaChaPoly.Sealer(key: key)
        var box: [UInt8] = []
        box.reserveCapacity(plaintext.count + self.overheadByteCount)
        box.append(self.version)
        box += ephemeral.publicKey
        unsafe sealer.seal(
            plaintext.span.bytes, nonce: nonce, associatedData: associatedData.span.bytes, appendingTo: &box)
        return box
    }

    /// Opens a box that was sealed to `key` with the same associated data.
    ///
    /// - Throws: ``ChaChaPoly/AuthenticationFailure``, whatever is wrong with the box.
    package static func open(
        _ box: [UInt8], with key: borrowing KeyAgreementKey, associatedData: [UInt8]
    ) throws(ChaChaPoly.AuthenticationFailure) -> [UInt8] {
        let byteCounts = self.overheadByteCount...(self.maximumPlaintextByteCount + self.overheadByteCount)
        guard byteCounts.contains(box.count), box[0] == self.version else { throw ChaChaPoly.AuthenticationFailure() }
        let ephemeral = Array(box[1...KeyAgreementKey.byteCount])
        guard let secret = try? key.sharedSecret(with: ephemeral) else { throw ChaChaPoly.AuthenticationFailure() }
        let (openingKey, nonce) = self.schedule(secret, ephemeral: ephemeral, recipient: key.publicKey)
        var opener = ChaChaPoly.Opener(key: openingKey)
        var plaintext: [UInt8] = []
        let sealed = box[(1 + KeyAgreementKey.byteCount)...]
        try unsafe opener.open(
            sealed.span.bytes, nonce: nonce, associatedData: associatedData.span.bytes, appendingTo: &plaintext)
        return plaintext
    }

    private static func schedule(
        _ secret: [UInt8], ephemeral: [UInt8], recipient: [UInt8]
    ) -> (key: [UInt8], nonce: ChaChaPoly.Nonce) {
        let output = HKDFSHA256.derive(
            secret: secret, salt: ephemeral + recipient, information: self.information, byteCount: 44)
        guard let nonce = ChaChaPoly.Nonce(bytes: Array(output[32...])) else {
            preconditionFailure("a nonce of ChaCha20-Poly1305 has 12 bytes")
        }
        return (Array(output[..<32]), nonce)
    }
}
