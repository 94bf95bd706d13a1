internal import COpenSSL

/// Comparison that takes the same time wherever the first difference is.
package enum ConstantTime {
    /// True when both hold the same bytes (`CRYPTO_memcmp`). Only the lengths can be told from the time it takes.
    package static func equal(_ left: RawSpan, _ right: RawSpan) -> Bool {
        guard left.byteCount == right.byteCount else { return false }
        return unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in
                unsafe left.isEmpty || CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
            }
        }
    }

    /// True when both hold the same bytes.
    package static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        unsafe self.equal(left.span.bytes, right.span.bytes)
    }
}
