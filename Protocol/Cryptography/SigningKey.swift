internal import COpenSSL

/// An Ed25519 private key (RFC 8032), freed with this value.
@safe package struct SigningKey: ~Copyable, Sendable {
    /// The length of a seed, in bytes.
    package static let seedByteCount = 32

    private let handle: KeyHandle
    /// The 32 bytes of the public key.
    package let publicKey: [UInt8]

    /// Adopts a key from its seed (`EVP_PKEY_new_raw_private_key`).
    ///
    /// - Parameter seed: exactly 32 bytes (RFC 8032, section 5.1.5).
    /// - Throws: ``KeyError/wrongSeedLength(byteCount:)``, or ``KeyError/openSSL(code:)`` when OpenSSL refuses it.
    package init(seed: RawSpan) throws(KeyError) {
        guard seed.byteCount == Self.seedByteCount else { throw .wrongSeedLength(byteCount: seed.byteCount) }
        let handle = try KeyHandle(kind: EVP_PKEY_ED25519, privateKey: seed)
        self.publicKey = handle.rawPublicKey
        self.handle = handle
    }

    /// Adopts a key from its seed of 32 bytes.
    ///
    /// - Throws: as ``init(seed:)-(RawSpan)``.
    package init(seed: [UInt8]) throws(KeyError) { try unsafe self.init(seed: seed.span.bytes) }

    /// The 64 bytes of the signature over `message` (`EVP_DigestSign`). May be called by several threads at a time.
    package borrowing func sign(_ message: RawSpan) -> [UInt8] {
        let context = unsafe require(EVP_MD_CTX_new())
        defer { unsafe EVP_MD_CTX_free(context) }
        unsafe require(EVP_DigestSignInit(context, nil, nil, nil, self.handle.pointer))
        return unsafe [UInt8](unsafeUninitializedCapacity: Ed25519.signatureByteCount) { buffer, count in
            count = Ed25519.signatureByteCount
            unsafe message.withUnsafeBytes { message in
                unsafe require(
                    EVP_DigestSign(context, buffer.baseAddress, &count, message.baseAddress, message.count))
            }
        }
    }

    /// The 64 bytes of the signature over `message`.
    package borrowing func sign(_ message: [UInt8]) -> [UInt8] { unsafe self.sign(message.span.bytes) }
}
