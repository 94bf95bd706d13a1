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

/// Keys from a secret (RFC 5869) with SHA-256.
package enum HKDFSHA256 {
    /// The greatest number of bytes that one call derives.
    package static let maximumByteCount = 255 * SHA256.digestByteCount

    /// Gathers a secret into a uniform key of 32 bytes (RFC 5869, section 2.2).
    package static func extract(secret: [UInt8], salt: [UInt8]) -> [UInt8] {
        HMACSHA256.authenticationCode(for: secret, key: salt)
    }

    /// Spreads a uniform key over `byteCount` bytes, bound to `information` (RFC 5869, section 2.3). Traps above
    /// ``maximumByteCount``.
    package static func expand(key: [UInt8], information: [UInt8], byteCount: Int) -> [UInt8] {
        precondition((0...self.maximumByteCount).contains(byteCount), "HKDF gives at most 8160 bytes")
        var output: [UInt8] = []
        var block: [UInt8] = []
        var counter: UInt8 = 0
        while output.count < byteCount {
            counter += 1
            block = HMACSHA256.authenticationCode(for: block + information + [counter], key: key)
            output += block
        }
        return Array(output.prefix(byteCount))
    }

    /// Both steps at once.
    package static func derive(secret: [UInt8], salt: [UInt8], information: [UInt8], byteCount: Int) -> [UInt8] {
        self.expand(key: self.extract(secret: secret, salt: salt), information: information, byteCount: byteCount)
    }
}
