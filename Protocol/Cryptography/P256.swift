internal import COpenSSL

/// ECDSA keys of other peers on the curve P-256 (FIPS 186-5), over SHA-256. We never make one.
package enum P256 {
    /// The length of SubjectPublicKeyInfo with an uncompressed point, in bytes.
    package static let keyByteCount = 91

    /// Checks a public key in DER (RFC 5480). Only its canonical encoding is taken, so that no key has two.
    ///
    /// - Throws: ``KeyError/invalidPublicKey``.
    package static func validate(subjectPublicKeyInfo: [UInt8]) throws(KeyError) {
        _ = try self.key(subjectPublicKeyInfo)
    }

    /// True when the owner of the key signed `message` (`EVP_DigestVerify`); the signature is in DER. False for a
    /// malformed key.
    package static func isValid(signature: [UInt8], for message: [UInt8], subjectPublicKeyInfo: [UInt8]) -> Bool {
        guard signature.count <= 80, let key = try? self.key(subjectPublicKeyInfo) else { return false }
        return unsafe key.isValid(signature: signature.span.bytes, for: message.span.bytes, digest: EVP_sha256())
    }

    private static func key(_ subjectPublicKeyInfo: [UInt8]) throws(KeyError) -> KeyHandle {
        guard subjectPublicKeyInfo.count == self.keyByteCount else { throw .invalidPublicKey }
        let key = try KeyHandle(subjectPublicKeyInfo: subjectPublicKeyInfo)
        guard unsafe EVP_PKEY_get_base_id(key.pointer) == EVP_PKEY_EC, key.curveName == "prime256v1" else {
            throw .invalidPublicKey
        }
        return key
    }
}
