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
