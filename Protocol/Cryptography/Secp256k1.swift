internal import COpenSSL

/// ECDSA keys of other peers on the curve secp256k1 (SEC 2), over SHA-256. We never make one here.
package enum Secp256k1 {
    /// The length of a public key, in bytes: a compressed point.
    package static let publicKeyByteCount = 33

    /// Checks that a compressed point is on the curve.
    ///
    /// - Throws: ``KeyError/wrongKeyLength(byteCount:expectedByteCount:)`` or ``KeyError/invalidPublicKey``.
    package static func validate(publicKey: [UInt8]) throws(KeyError) { _ = try self.key(publicKey) }

    /// True when the owner of the key signed `message` (`EVP_DigestVerify`); the signature is in DER. False for a
    /// malformed key.
    package static func isValid(signature: [UInt8], for message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard signature.count <= 80, let key = try? self.key(publicKey) else { return false }
        return unsafe key.isValid(signature: signature.span.bytes, for: message.span.bytes, digest: EVP_sha256())
    }

    // SubjectPublicKeyInfo up to the point: id-ecPublicKey, secp256k1, a bit string of 33 bytes.
    private static let frame: [UInt8] = [
        0x30, 0x36, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
        0x00, 0x0a, 0x03, 0x22, 0x00,
    ]

    private static func key(_ publicKey: [UInt8]) throws(KeyError) -> KeyHandle {
        guard publicKey.count == self.publicKeyByteCount else {
            throw .wrongKeyLength(byteCount: publicKey.count, expectedByteCount: self.publicKeyByteCount)
        }
        guard publicKey[0] == 2 || publicKey[0] == 3 else { throw .invalidPublicKey }
        return try KeyHandle(subjectPublicKeyInfo: self.frame + publicKey)
    }
}
