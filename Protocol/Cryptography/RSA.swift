internal import COpenSSL

/// RSA keys of other peers (RFC 8017): PKCS #1 v1.5 signatures over SHA-256. We never make one.
package enum RSA {
    /// The sizes of modulus that are accepted, in bits. Larger ones cost seconds to check (CVE-2023-39533).
    package static let acceptedModulusBitCount = 2048...8192
    /// The longest SubjectPublicKeyInfo that is looked at, in bytes: 8192 bits and their frame.
    package static let maximumKeyByteCount = 1200

    /// Checks a public key in DER (RFC 5280, section 4.1). Only its canonical encoding is taken, so that no key has two.
    ///
    /// - Throws: ``KeyError/invalidPublicKey`` or ``KeyError/rsaModulusOutOfRange(bitCount:)``.
    package static func validate(subjectPublicKeyInfo: [UInt8]) throws(KeyError) {
        _ = try self.key(subjectPublicKeyInfo)
    }

    /// True when the owner of the key signed `message` (`EVP_DigestVerify`). False for a malformed or refused key.
    package static func isValid(signature: [UInt8], for message: [UInt8], subjectPublicKeyInfo: [UInt8]) -> Bool {
        guard signature.count <= self.acceptedModulusBitCount.upperBound / 8,
            let key = try? self.key(subjectPublicKeyInfo)
        else { return false }
        return unsafe key.isValid(signature: signature.span.bytes, for: message.span.bytes, digest: EVP_sha256())
    }

    private static func key(_ subjectPublicKeyInfo: [UInt8]) throws(KeyError) -> KeyHandle {
        guard subjectPublicKeyInfo.count <= self.maximumKeyByteCount else { throw .invalidPublicKey }
        let key = try KeyHandle(subjectPublicKeyInfo: subjectPublicKeyInfo)
        guard unsafe EVP_PKEY_get_base_id(key.pointer) == EVP_PKEY_RSA else { throw .invalidPublicKey }
        let bitCount = unsafe Int(EVP_PKEY_get_bits(key.pointer))
        guard self.acceptedModulusBitCount.contains(bitCount) else { throw .rsaModulusOutOfRange(bitCount: bitCount) }
        var exponent: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(key.pointer, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 else {
            throw .invalidPublicKey
        }
        defer { unsafe BN_free(exponent) }
        // A long exponent makes checking as slow as signing; Go accepts 31 bits as well.
        guard unsafe (2...31).contains(BN_num_bits(exponent)), unsafe BN_is_odd(exponent) == 1 else {
            throw .invalidPublicKey
        }
        return key
    }
}
