internal import COpenSSL

/// Message authentication with SHA-256 (RFC 2104).
package enum HMACSHA256 {
    /// The 32 bytes that only a holder of `key` can compute for `message` (`HMAC`).
    package static func authenticationCode(for message: RawSpan, key: RawSpan) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: SHA256.digestByteCount) { buffer, count in
            let result = unsafe key.withUnsafeBytes { key in
                unsafe message.withUnsafeBytes { message in
                    // A null key means "the key of the last call" to OpenSSL, so an empty one needs an address.
                    var empty: UInt8 = 0
                    return unsafe withUnsafePointer(to: &empty) { empty in
                        unsafe HMAC(
                            EVP_sha256(), key.baseAddress ?? UnsafeRawPointer(empty), Int32(key.count),
                            message.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? empty, message.count,
                            buffer.baseAddress, nil)
                    }
                }
            }
            precondition(unsafe result != nil, "OpenSSL cannot compute an HMAC; is libcrypto 3 intact?")
            count = SHA256.digestByteCount
        }
    }

    /// The 32 bytes that only a holder of `key` can compute for `message`.
    package static func authenticationCode(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        unsafe self.authenticationCode(for: message.span.bytes, key: key.span.bytes)
    }
}
