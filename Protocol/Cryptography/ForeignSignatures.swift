internal import COpenSSL

/// RSA keys of other peers (RFC 8017): PKCS #1 v1.5 signatures over SHA-256. We never make one.
package enum RSA {
    /// The sizes of modulus that are accepted, in bits. Larger ones cost seconds to check (CVE-2023-39533).
    package static let acceptedModulusBitCount = 2048...8192
    /// The longest SubjectPublicKeyInfo that is looked at, in bytes: 8192 bits and their frame.
    package static let maximumKeyByteCount = 1200

    /// Checks a public key and returns its canonical DER encoding.
    ///
    /// - Parameter subjectPublicKeyInfo: RFC 5280, section 4.1, in DER.
    /// - Throws: ``KeyError/invalidPublicKey`` or ``KeyError/rsaModulusOutOfRange(bitCount:)``.
    package static func canonical(subjectPublicKeyInfo: [UInt8]) throws(KeyError) -> [UInt8] {
        guard subjectPublicKeyInfo.count <= self.maximumKeyByteCount else { throw .invalidPublicKey }
        let key = try self.key(subjectPublicKeyInfo)
        return try key.subjectPublicKeyInfo()
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

/// ECDSA keys of other peers on the curve P-256 (FIPS 186-5), over SHA-256. We never make one.
package enum P256 {
    /// The longest SubjectPublicKeyInfo that is looked at, in bytes.
    package static let maximumKeyByteCount = 128

    /// Checks a public key and returns its canonical DER encoding, with the uncompressed point.
    ///
    /// - Parameter subjectPublicKeyInfo: RFC 5480 in DER.
    /// - Throws: ``KeyError/invalidPublicKey``.
    package static func canonical(subjectPublicKeyInfo: [UInt8]) throws(KeyError) -> [UInt8] {
        let key = try self.key(subjectPublicKeyInfo)
        return try key.subjectPublicKeyInfo()
    }

    /// True when the owner of the key signed `message` (`EVP_DigestVerify`); the signature is in DER. False for a
    /// malformed key.
    package static func isValid(signature: [UInt8], for message: [UInt8], subjectPublicKeyInfo: [UInt8]) -> Bool {
        guard signature.count <= 80, let key = try? self.key(subjectPublicKeyInfo) else { return false }
        return unsafe key.isValid(signature: signature.span.bytes, for: message.span.bytes, digest: EVP_sha256())
    }

    private static func key(_ subjectPublicKeyInfo: [UInt8]) throws(KeyError) -> KeyHandle {
        guard subjectPublicKeyInfo.count <= self.maximumKeyByteCount else { throw .invalidPublicKey }
        let key = try KeyHandle(subjectPublicKeyInfo: subjectPublicKeyInfo)
        guard unsafe EVP_PKEY_get_base_id(key.pointer) == EVP_PKEY_EC, key.curveName == "prime256v1" else {
            throw .invalidPublicKey
        }
        return key
    }
}

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

extension KeyHandle {
    /// A public key of any kind from DER that holds nothing else (`d2i_PUBKEY`).
    init(subjectPublicKeyInfo: [UInt8]) throws(KeyError) {
        ERR_clear_error()
        var isWhole = false
        let pointer = unsafe subjectPublicKeyInfo.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            let pointer = unsafe d2i_PUBKEY(nil, &cursor, bytes.count)
            isWhole = unsafe cursor == bytes.baseAddress?.advanced(by: bytes.count)
            return unsafe pointer
        }
        guard isWhole, let pointer = unsafe pointer else {
            unsafe EVP_PKEY_free(pointer)
            throw .invalidPublicKey
        }
        try unsafe self.init(adopting: pointer)
    }

    /// The public key in DER (`i2d_PUBKEY`).
    borrowing func subjectPublicKeyInfo() throws(KeyError) -> [UInt8] {
        let byteCount = unsafe Int(i2d_PUBKEY(self.pointer, nil))
        guard byteCount > 0 else { throw .invalidPublicKey }
        return unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            var cursor = buffer.baseAddress
            count = unsafe Int(i2d_PUBKEY(self.pointer, &cursor))
        }
    }

    /// OpenSSL's name of an elliptic curve key's curve (`EVP_PKEY_get_group_name`).
    var curveName: String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            var byteCount = 0
            guard unsafe EVP_PKEY_get_group_name(self.pointer, buffer.baseAddress, 64, &byteCount) == 1 else {
                return nil
            }
            return unsafe String(validatingCString: buffer.baseAddress!)
        }
    }
}
