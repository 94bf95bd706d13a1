/// Unsigned varints as multiformats defines them: base 128, least significant group first, at most 63 bits, and only
/// the shortest encoding is valid (multiformats/unsigned-varint; Protocol Buffers are laxer and decode their own).
package enum Varint {
    /// The longest encoding, in bytes.
    package static let maximumByteCount = 9
    /// The greatest value that can be encoded: 2^63 - 1.
    package static let maximum = UInt64(Int64.max)

    /// The number of bytes that `value`, at most ``maximum``, takes.
    @inlinable package static func byteCount(of value: UInt64) -> Int {
        value == 0 ? 1 : (70 - value.leadingZeroBitCount) / 7
    }

    /// Decodes the varint that `bytes` starts with, and says how many bytes it took. Nil means that the bytes are the
    /// start of a valid varint and that more are needed.
    ///
    /// - Throws: ``WireError/varintNotMinimal`` or ``WireError/varintTooLong``.
    @inlinable package static func decode(
        _ bytes: RawSpan
    ) throws(WireError) -> (value: UInt64, byteCount: Int)? {
        var value: UInt64 = 0
        for index in 0..<min(bytes.byteCount, self.maximumByteCount) {
            let byte = bytes.byte(at: index)
            value |= UInt64(byte & 0x7f) &<< UInt64(7 * index)
            guard byte < 0x80 else { continue }
            guard byte != 0 || index == 0 else { throw .varintNotMinimal }
            return (value, index + 1)
        }
        guard bytes.byteCount < self.maximumByteCount else { throw .varintTooLong }
        return nil
    }

    /// Decodes the varint that `bytes` starts with, like ``decode(_:)-(RawSpan)``.
    @inlinable package static func decode(
        _ bytes: ArraySlice<UInt8>
    ) throws(WireError) -> (value: UInt64, byteCount: Int)? {
        try self.decode(bytes.span.bytes)
    }

    /// The bytes of `value`, at most ``maximum``.
    package static func encode(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendVarint(value)
        return bytes
    }
}

extension RawSpan {
    /// The byte at an offset, which must be inside the span.
    @inlinable package func byte(at offset: Int) -> UInt8 {
        unsafe self.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}
