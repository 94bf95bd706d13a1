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

    // Fetched once: looking an algorithm up by name takes longer than sealing a small record.
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

    /// Encrypts with one key.
    @safe package struct Sealer: ~Copyable, @unchecked Sendable {
        private let context: OpaquePointer  // EVP_CIPHER_CTX *, used by one thread at a time: sealing is `mutating`.

        /// Sets the key (`EVP_EncryptInit_ex2`). Traps unless it has 32 bytes.
        package init(key: RawSpan) { unsafe self.context = ChaChaPoly.context(key: key, encrypts: 1) }

        /// Sets the key. Traps unless it has 32 bytes.
        package init(key: [UInt8]) { unsafe self.init(key: key.span.bytes) }

        deinit { unsafe EVP_CIPHER_CTX_free(self.context) }

        /// Writes ciphertext and tag to `output`, which must have room for both and may be the memory of `plaintext`
        /// but not overlap it otherwise. Traps without the room.
        @unsafe package mutating func seal(
            _ plaintext: UnsafeRawBufferPointer, nonce: Nonce, associatedData: RawSpan = RawSpan(),
            into output: UnsafeMutableRawBufferPointer
        ) {
            let sealedByteCount = plaintext.count + ChaChaPoly.tagByteCount
            precondition(output.count >= sealedByteCount, "no room for the tag")
            unsafe ChaChaPoly.start(self.context, nonce: nonce, associatedData: associatedData)
            var count: Int32 = 0
            if unsafe !plaintext.isEmpty {
                unsafe require(
                    EVP_EncryptUpdate(
                        self.context, output.baseAddress, &count, plaintext.baseAddress, Int32(plaintext.count)))
            }
            unsafe require(EVP_EncryptFinal_ex(self.context, output.baseAddress, &count))
            unsafe require(
                EVP_CIPHER_CTX_ctrl(
                    self.context, EVP_CTRL_AEAD_GET_TAG, Int32(ChaChaPoly.tagByteCount),
                    output.baseAddress! + plaintext.count))
        }

        /// Appends ciphertext and tag to `output`.
        package mutating func seal(
            _ plaintext: RawSpan, nonce: Nonce, associatedData: RawSpan = RawSpan(), appendingTo output: inout [UInt8]
        ) {
            let byteCount = plaintext.byteCount + ChaChaPoly.tagByteCount
            output.append(addingCapacity: byteCount) { span in
                unsafe span.withUnsafeMutableBufferPointer { buffer, initializedCount in
                    let room = UnsafeMutableRawBufferPointer(buffer)
                    unsafe plaintext.withUnsafeBytes { plaintext in
                        unsafe self.seal(plaintext, nonce: nonce, associatedData: associatedData, into: room)
                    }
                    initializedCount = byteCount
                }
            }
        }

        /// The ciphertext and tag.
        package mutating func seal(_ plaintext: [UInt8], nonce: Nonce, associatedData: [UInt8] = []) -> [UInt8] {
            var output: [UInt8] = []
            unsafe self.seal(
                plaintext.span.bytes, nonce: nonce, associatedData: associatedData.span.bytes, appendingTo: &output)
            return output
        }
    }

    /// Decrypts with one key.
    @safe package struct Opener: ~Copyable, @unchecked Sendable {
        private let context: OpaquePointer  // EVP_CIPHER_CTX *, used by one thread at a time: opening is `mutating`.

        /// Sets the key (`EVP_DecryptInit_ex2`). Traps unless it has 32 bytes.
        package init(key: RawSpan) { unsafe self.context = ChaChaPoly.context(key: key, encrypts: 0) }

        /// Sets the key. Traps unless it has 32 bytes.
        package init(key: [UInt8]) { unsafe self.init(key: key.span.bytes) }

        deinit { unsafe EVP_CIPHER_CTX_free(self.context) }

        /// Writes the plaintext to `output` and returns its length in bytes. `output` must have room for it and may be
        /// the memory of `sealed` but not overlap it otherwise. Traps without the room.
        ///
        /// - Throws: ``AuthenticationFailure``; then nothing that was written to `output` may be used.
        @unsafe package mutating func open(
            _ sealed: UnsafeRawBufferPointer, nonce: Nonce, associatedData: RawSpan = RawSpan(),
            into output: UnsafeMutableRawBufferPointer
        ) throws(AuthenticationFailure) -> Int {
            let byteCount = sealed.count - ChaChaPoly.tagByteCount
            guard byteCount >= 0 else { throw AuthenticationFailure() }
            precondition(output.count >= byteCount, "no room for the plaintext")
            unsafe ChaChaPoly.start(self.context, nonce: nonce, associatedData: associatedData)
            let tag = unsafe UnsafeMutableRawPointer(mutating: sealed.baseAddress! + byteCount)
            unsafe require(
                EVP_CIPHER_CTX_ctrl(self.context, EVP_CTRL_AEAD_SET_TAG, Int32(ChaChaPoly.tagByteCount), tag))
            var count: Int32 = 0
            if byteCount > 0 {
                unsafe require(
                    EVP_DecryptUpdate(
                        self.context, output.baseAddress, &count, sealed.baseAddress, Int32(byteCount)))
            }
            var unused: (UInt64, UInt64) = (0, 0)  // The last call writes nothing, but wants an address.
            let status = unsafe withUnsafeMutableBytes(of: &unused) { room in
                unsafe EVP_DecryptFinal_ex(self.context, room.baseAddress, &count)
            }
            guard status == 1 else { throw AuthenticationFailure() }
            return byteCount
        }

        /// Appends the plaintext to `output`, which is unchanged when this throws.
        ///
        /// - Throws: ``AuthenticationFailure``.
        package mutating func open(
            _ sealed: RawSpan, nonce: Nonce, associatedData: RawSpan = RawSpan(), appendingTo output: inout [UInt8]
        ) throws(AuthenticationFailure) {
            let byteCount = sealed.byteCount - ChaChaPoly.tagByteCount
            guard byteCount >= 0 else { throw AuthenticationFailure() }
            try output.append(addingCapacity: byteCount) { span throws(AuthenticationFailure) in
                try unsafe span.withUnsafeMutableBufferPointer {
                    buffer, initializedCount throws(AuthenticationFailure) in
                    let room = UnsafeMutableRawBufferPointer(buffer)
                    initializedCount = try unsafe sealed.withUnsafeBytes { sealed throws(AuthenticationFailure) in
                        try unsafe self.open(sealed, nonce: nonce, associatedData: associatedData, into: room)
                    }
                }
            }
        }

        /// The plaintext.
        ///
        /// - Throws: ``AuthenticationFailure``.
        package mutating func open(
            _ sealed: [UInt8], nonce: Nonce, associatedData: [UInt8] = []
        ) throws(AuthenticationFailure) -> [UInt8] {
            var output: [UInt8] = []
            try unsafe self.open(
                sealed.span.bytes, nonce: nonce, associatedData: associatedData.span.bytes, appendingTo: &output)
            return output
        }
    }

    @unsafe private static func context(key: RawSpan, encrypts: Int32) -> OpaquePointer {
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
    @unsafe private static func start(_ context: OpaquePointer, nonce: Nonce, associatedData: RawSpan) {
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
