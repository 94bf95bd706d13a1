internal import COpenSSL

/// An X25519 private key (RFC 7748), freed with this value.
@safe package struct KeyAgreementKey: ~Copyable, Sendable {
    /// The length of a private key, a public key and a shared secret, in bytes.
    package static let byteCount = 32

    private let handle: KeyHandle
    /// The 32 bytes of the public key.
    package let publicKey: [UInt8]

    /// Adopts a private key (`EVP_PKEY_new_raw_private_key`).
    ///
    /// - Parameter privateKey: 32 bytes, random for a new key.
    /// - Throws: ``KeyError/wrongSeedLength(byteCount:)``, or ``KeyError/openSSL(code:)`` when OpenSSL refuses it.
    package init(privateKey: RawSpan) throws(KeyError) {
        guard privateKey.byteCount == Self.byteCount else { throw .wrongSeedLength(byteCount: privateKey.byteCount) }
        let handle = try KeyHandle(kind: EVP_PKEY_X25519, privateKey: privateKey)
        self.publicKey = handle.rawPublicKey
        self.handle = handle
    }

    /// Adopts a private key of 32 bytes.
    ///
    /// - Throws: as ``init(privateKey:)-(RawSpan)``.
    package init(privateKey: [UInt8]) throws(KeyError) { try unsafe self.init(privateKey: privateKey.span.bytes) }

    /// The 32 bytes that both sides can compute (`EVP_PKEY_derive`).
    ///
    /// - Throws: ``KeyError/wrongKeyLength(byteCount:expectedByteCount:)``, or ``KeyError/smallOrderPoint`` when the
    ///   secret would be all zeros.
    package borrowing func sharedSecret(with publicKey: RawSpan) throws(KeyError) -> [UInt8] {
        guard publicKey.byteCount == Self.byteCount else {
            throw .wrongKeyLength(byteCount: publicKey.byteCount, expectedByteCount: Self.byteCount)
        }
        let peer = try KeyHandle(kind: EVP_PKEY_X25519, publicKey: publicKey)
        let context = unsafe require(EVP_PKEY_CTX_new(self.handle.pointer, nil))
        defer { unsafe EVP_PKEY_CTX_free(context) }
        unsafe require(EVP_PKEY_derive_init(context))
        guard unsafe EVP_PKEY_derive_set_peer(context, peer.pointer) == 1 else { throw .smallOrderPoint }
        var isDerived = false
        let secret = unsafe [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
            count = Self.byteCount
            isDerived = unsafe EVP_PKEY_derive(context, buffer.baseAddress, &count) == 1
            if !isDerived { count = 0 }
        }
        // OpenSSL refuses by itself; the comparison keeps the promise if that ever changes.
        guard isDerived, !ConstantTime.equal(secret, [UInt8](repeating: 0, count: Self.byteCount)) else {
            throw .smallOrderPoint
        }
        return secret
    }

    /// The 32 bytes that both sides can compute.
    ///
    /// - Throws: as ``sharedSecret(with:)-(RawSpan)``.
    package borrowing func sharedSecret(with publicKey: [UInt8]) throws(KeyError) -> [UInt8] {
        try unsafe self.sharedSecret(with: publicKey.span.bytes)
    }
}
