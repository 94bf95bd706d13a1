internal import COpenSSL

/// Ed25519 signatures (RFC 8032). The private side is ``SigningKey``.
package enum Ed25519 {
    /// The length of a public key, in bytes.
    package static let publicKeyByteCount = 32
    /// The length of a signature, in bytes.
    package static let signatureByteCount = 64

    /// True when the owner of `publicKey` signed `message` (`EVP_DigestVerify`). False for a malformed key or signature.
    package static func isValid(signature: RawSpan, for message: RawSpan, publicKey: RawSpan) -> Bool {
        guard signature.byteCount == self.signatureByteCount, publicKey.byteCount == self.publicKeyByteCount,
            let key = try? KeyHandle(kind: EVP_PKEY_ED25519, publicKey: publicKey)
        else { return false }
        return unsafe key.isValid(signature: signature, for: message, digest: nil)
    }

    /// True when the owner of `publicKey` signed `message`. False for a malformed key or signature.
    package static func isValid(signature: [UInt8], for message: [UInt8], publicKey: [UInt8]) -> Bool {
        unsafe self.isValid(signature: signature.span.bytes, for: message.span.bytes, publicKey: publicKey.span.bytes)
    }
}
