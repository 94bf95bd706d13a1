internal import COpenSSL

extension ChaChaPoly {
    /// Encrypts with one key.
    @safe package struct Sealer: ~Copyable, Sendable {
        // Safety: EVP_CIPHER_CTX *, owned. Only `mutating` functions use it, so one thread at a time does.
        nonisolated(unsafe) private let context: OpaquePointer

        /// Sets the key (`EVP_EncryptInit_ex2`). Traps unless it has 32 bytes.
        package init(key: RawSpan) { unsafe self.context = ChaChaPoly.context(key: key, encrypts: 1) }

        /// Sets the key. Traps unless it has 32 bytes.
        package init(key: [UInt8]) { unsafe self.init(key: key.span.bytes) }

        deinit { unsafe EVP_CIPHER_CTX_free(self.context) }

        /// Writes ciphertext and tag to `output`, which must have room for both and may be the memory of `plaintext`
        /// but not overlap it otherwise. Traps without the room and for a
        /// plaintext over ``ChaChaPoly/maximumByteCount``.
        @unsafe package mutating func seal(
            _ plaintext: UnsafeRawBufferPointer, nonce: Nonce, associatedData: RawSpan = RawSpan(),
            into output: UnsafeMutableRawBufferPointer
        ) {
            precondition(plaintext.count <= ChaChaPoly.maximumByteCount, "a record over ChaChaPoly.maximumByteCount")
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
}
