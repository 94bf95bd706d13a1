internal import COpenSSL

/// Traps when OpenSSL fails where only a lack of memory or a broken installation can make it fail.
func require(_ status: Int32) {
    precondition(status == 1, "OpenSSL failed (0x\(String(ERR_get_error(), radix: 16))); is libcrypto 3 intact?")
}

/// As ``require(_:)-(Int32)``, for a call that returns an object.
@unsafe func require(_ object: OpaquePointer?) -> OpaquePointer {
    guard let object = unsafe object else {
        preconditionFailure("OpenSSL failed (0x\(String(ERR_get_error(), radix: 16))); is libcrypto 3 intact?")
    }
    return unsafe object
}

/// Owns an `EVP_PKEY *`. OpenSSL counts its references atomically and only reads it in the calls made here, so that
/// several threads may use one at a time (openssl-threads(7)).
@safe struct KeyHandle: ~Copyable, @unchecked Sendable {
    let pointer: OpaquePointer

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

    /// Checks a signature made over `message` or over its digest (`EVP_DigestVerify`).
    ///
    /// - Parameter digest: `EVP_MD *`, nil for a scheme that digests by itself.
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
