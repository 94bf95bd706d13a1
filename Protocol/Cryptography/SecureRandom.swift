internal import COpenSSL

/// Unpredictable bytes from OpenSSL's generator, which the kernel seeds. Only shells draw from it: a pure machine gets
/// random bytes as a parameter.
package struct SecureRandom: RandomNumberGenerator, Sendable {
    package init() {}

    /// `count` fresh bytes (`RAND_bytes`). Traps when the system has no entropy source.
    package static func bytes(_ count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            // In pieces, because the C function takes an `int`.
            while initializedCount < count {
                let piece = min(count - initializedCount, 1 << 20)
                unsafe require(RAND_bytes(buffer.baseAddress! + initializedCount, Int32(piece)))
                initializedCount += piece
            }
        }
    }

    /// Eight fresh bytes as a number.
    package mutating func next() -> UInt64 {
        var number: UInt64 = 0
        unsafe withUnsafeMutableBytes(of: &number) { buffer in
            unsafe require(RAND_bytes(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), 8))
        }
        return number
    }
}
