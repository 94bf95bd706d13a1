internal import COpenSSL

/// Authenticated encryption with ChaCha20-Poly1305 (RFC 8439).
///
/// ``Sealer`` and ``Opener`` keep one keyed OpenSSL context each; a record only sets its nonce, so that small records
/// cost little and large ones run at the speed of the processor's vector units.
package enum ChaChaPoly {
    /// The length of a key, in bytes.
    package static let keyByteCount = 32
    /// The length of the tag behind every ciphertext, in bytes.
    package static let tagByteCount = 16
    /// The longest plaintext of one record, in bytes: far below what OpenSSL's `int` counts.
    package static let maximumByteCount = 1 << 24

    // Fetched once: looking an algorithm up by name takes longer than sealing a small record.
    // Safety: OpenSSL never changes a fetched algorithm.
    nonisolated(unsafe) private static let algorithm = unsafe require(EVP_CIPHER_fetch(nil, "ChaCha20-Poly1305", nil))

    /// The 12 bytes that must never be used twice with one key.
    package struct Nonce: Equatable, Sendable {
        let prefix: UInt32
        let counter: UInt64

        /// Four zero bytes, then the counter, least significant byte first (Noise, section 12.3).
        package init(counter: UInt64) {
            self.prefix = 0
            self.counter = counter
        }

        /// Any 12 bytes.
        ///
        /// - Returns: nil for another length.
        package init?(bytes: [UInt8]) {
            guard bytes.count == 12 else { return nil }
            self.prefix = bytes[..<4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
            self.counter = bytes[4...].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    /// The bytes are not what the holder of the key sealed with this nonce and associated data.
    package struct AuthenticationFailure: Error, Equatable, CustomStringConvertible {
        package init() {}
        package var description: String { "the bytes were damaged, replayed or sealed with another key" }
    }

    @unsafe static func context(key: RawSpan, encrypts: Int32) -> OpaquePointer {
        precondition(key.byteCount == self.keyByteCount, "a key of ChaCha20-Poly1305 has 32 bytes")
        let context = unsafe require(EVP_CIPHER_CTX_new())
        unsafe key.withUnsafeBytes { key in
            unsafe require(
                EVP_CipherInit_ex2(
                    context, self.algorithm, key.baseAddress?.assumingMemoryBound(to: UInt8.self), nil, encrypts, nil))
        }
        return unsafe context
    }

    /// Sets the nonce under the key that the context has, and takes in the associated data.
    @unsafe static func start(_ context: OpaquePointer, nonce: Nonce, associatedData: RawSpan) {
        var bytes = (
            nonce.prefix.littleEndian, UInt32(truncatingIfNeeded: nonce.counter).littleEndian,
            UInt32(truncatingIfNeeded: nonce.counter >> 32).littleEndian
        )
        unsafe withUnsafeBytes(of: &bytes) { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe require(EVP_CipherInit_ex2(context, nil, nil, start, -1, nil))
        }
        guard associatedData.byteCount > 0 else { return }
        var count: Int32 = 0
        unsafe associatedData.withUnsafeBytes { data in
            unsafe require(EVP_CipherUpdate(context, nil, &count, data.baseAddress, Int32(data.count)))
        }
    }
}
