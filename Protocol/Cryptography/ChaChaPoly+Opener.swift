internal import COpenSSL

extension ChaChaPoly {
    /// Decrypts with one key.
    @safe package struct Opener: ~Copyable, Sendable {
        // Safety: EVP_CIPHER_CTX *, owned. Only `mutating` functions use it, so one thread at a time does.
        nonisolated(unsafe) private let context: OpaquePointer

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
            guard (0...ChaChaPoly.maximumByteCount).contains(byteCount) else { throw AuthenticationFailure() }
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
            guard (0...ChaChaPoly.maximumByteCount).contains(byteCount) else { throw AuthenticationFailure() }
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
}
