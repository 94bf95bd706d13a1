internal import COpenSSL

/// Owns an `EVP_PKEY *`.
@safe struct KeyHandle: ~Copyable, Sendable {
    // Safety: set once. OpenSSL only reads the key in the calls made here, counts its references atomically and locks
    // what it caches inside, so that several threads may use it at a time (openssl-threads(7)).
    nonisolated(unsafe) let pointer: OpaquePointer

    /// Adopts a key that a call made, or throws what the call failed with. Clear the error queue before the call: it
    /// is per thread and may hold an older failure.
    @unsafe init(adopting pointer: OpaquePointer?) throws(KeyError) {
        guard let pointer = unsafe pointer else { throw .openSSL(code: ERR_get_error()) }
        unsafe self.pointer = pointer
    }

    /// A private key of Ed25519 or X25519 from its 32 bytes (`EVP_PKEY_new_raw_private_key`).
    init(kind: Int32, privateKey: RawSpan) throws(KeyError) {
        ERR_clear_error()
        let pointer = unsafe privateKey.withUnsafeBytes { bytes in
            unsafe EVP_PKEY_new_raw_private_key(kind, nil, bytes.baseAddress, bytes.count)
        }
        try unsafe self.init(adopting: pointer)
    }

    /// A public key of Ed25519 or X25519 from its 32 bytes (`EVP_PKEY_new_raw_public_key`).
    init(kind: Int32, publicKey: RawSpan) throws(KeyError) {
        ERR_clear_error()
        let pointer = unsafe publicKey.withUnsafeBytes { bytes in
            unsafe EVP_PKEY_new_raw_public_key(kind, nil, bytes.baseAddress, bytes.count)
        }
        try unsafe self.init(adopting: pointer)
    }

    deinit { unsafe EVP_PKEY_free(self.pointer) }

    /// The 32 public bytes of an Ed25519 or X25519 key (`EVP_PKEY_get_raw_public_key`).
    var rawPublicKey: [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            count = 32
            unsafe require(EVP_PKEY_get_raw_public_key(self.pointer, buffer.baseAddress, &count))
        }
    }

    /// True for a signature over `message`, or over its digest when there is one (`EVP_DigestVerify`). `digest` is an
    /// `EVP_MD *`, nil for a scheme that digests by itself.
    @unsafe borrowing func isValid(signature: RawSpan, for message: RawSpan, digest: OpaquePointer?) -> Bool {
        let context = unsafe require(EVP_MD_CTX_new())
        defer { unsafe EVP_MD_CTX_free(context) }
        guard unsafe EVP_DigestVerifyInit(context, nil, digest, nil, self.pointer) == 1 else { return false }
        return unsafe signature.withUnsafeBytes { signature in
            unsafe message.withUnsafeBytes { message in
                unsafe EVP_DigestVerify(
                    context, signature.baseAddress, signature.count, message.baseAddress, message.count) == 1
            }
        }
    }
}

extension KeyHandle {
    /// A public key of any kind from its canonical DER, without anything behind it (`d2i_PUBKEY`).
    init(subjectPublicKeyInfo: [UInt8]) throws(KeyError) {
        ERR_clear_error()
        var isWhole = false
        let pointer = unsafe subjectPublicKeyInfo.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            let pointer = unsafe d2i_PUBKEY(nil, &cursor, bytes.count)
            isWhole = unsafe cursor == bytes.baseAddress?.advanced(by: bytes.count)
            return unsafe pointer
        }
        guard isWhole, unsafe Self.encodes(pointer, as: subjectPublicKeyInfo), let pointer = unsafe pointer else {
            unsafe EVP_PKEY_free(pointer)
            throw .invalidPublicKey
        }
        try unsafe self.init(adopting: pointer)
    }

    /// True when a key's DER is the one given (`i2d_PUBKEY`): OpenSSL reads laxer forms than it writes.
    @unsafe private static func encodes(_ key: OpaquePointer?, as subjectPublicKeyInfo: [UInt8]) -> Bool {
        guard unsafe key != nil, unsafe Int(i2d_PUBKEY(key, nil)) == subjectPublicKeyInfo.count else { return false }
        let encoded = unsafe [UInt8](unsafeUninitializedCapacity: subjectPublicKeyInfo.count) { buffer, count in
            var cursor = buffer.baseAddress
            count = unsafe Int(i2d_PUBKEY(key, &cursor))
        }
        return encoded == subjectPublicKeyInfo
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
