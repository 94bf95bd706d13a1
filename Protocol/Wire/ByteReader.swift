/// Reads values off the front of bytes that came from outside. No length is believed before it is compared with a limit
/// and with what is there, and nothing is copied: what it returns shares the storage it was given.
package struct ByteReader: Sendable {
    /// What has not been read.
    package private(set) var remaining: ArraySlice<UInt8>

    /// Reads from the start of `bytes`.
    package init(_ bytes: [UInt8]) { self.remaining = bytes[...] }

    /// Reads from the start of `bytes`.
    package init(_ bytes: ArraySlice<UInt8>) { self.remaining = bytes }

    /// True when everything was read.
    package var isAtEnd: Bool { self.remaining.isEmpty }

    /// The next byte.
    ///
    /// - Throws: ``WireError/truncated(neededByteCount:availableByteCount:)``.
    package mutating func byte() throws(WireError) -> UInt8 {
        guard let byte = self.remaining.popFirst() else {
            throw .truncated(neededByteCount: 1, availableByteCount: 0)
        }
        return byte
    }

    /// An unsigned integer of fixed width, most significant byte first.
    ///
    /// - Throws: ``WireError/truncated(neededByteCount:availableByteCount:)``.
    package mutating func bigEndian<Integer: FixedWidthInteger & UnsignedInteger>(
        _ type: Integer.Type
    ) throws(WireError) -> Integer {
        let bytes = try self.bytes(count: Integer.bitWidth / 8)
        var value: Integer = 0
        for byte in bytes { value = value << 8 | Integer(byte) }
        return value
    }

    /// A varint (``Varint``).
    ///
    /// - Throws: ``WireError/truncated(neededByteCount:availableByteCount:)``, ``WireError/varintNotMinimal`` or
    ///   ``WireError/varintTooLong``.
    package mutating func varint() throws(WireError) -> UInt64 {
        guard let (value, byteCount) = try Varint.decode(self.remaining) else {
            let available = self.remaining.count
            throw .truncated(neededByteCount: available + 1, availableByteCount: available)
        }
        self.remaining = self.remaining.dropFirst(byteCount)
        return value
    }

    /// A varint that must not be greater than `limit`: a count or a length.
    ///
    /// - Throws: ``WireError/overLimit(value:limit:)``, and what ``varint()`` throws.
    package mutating func count(limit: Int) throws(WireError) -> Int {
        let value = try self.varint()
        guard let count = Int(exactly: value), count <= limit else { throw .overLimit(value: value, limit: limit) }
        return count
    }

    /// The next `count` bytes, which share the reader's storage. `count` must not be negative.
    ///
    /// - Throws: ``WireError/truncated(neededByteCount:availableByteCount:)``.
    package mutating func bytes(count: Int) throws(WireError) -> ArraySlice<UInt8> {
        precondition(count >= 0, "a byte count is never negative")
        guard count <= self.remaining.count else {
            throw .truncated(neededByteCount: count, availableByteCount: self.remaining.count)
        }
        let bytes = self.remaining.prefix(count)
        self.remaining = self.remaining.dropFirst(count)
        return bytes
    }

    /// Bytes behind a varint of their length, at most `limit` of them.
    ///
    /// - Throws: ``WireError/overLimit(value:limit:)`` before the bytes are looked for, and what ``varint()`` throws.
    package mutating func lengthPrefixed(limit: Int) throws(WireError) -> ArraySlice<UInt8> {
        let count = try self.count(limit: limit)
        return try self.bytes(count: count)
    }

    /// UTF-8 text behind a varint of its length in bytes, at most `limit` of them.
    ///
    /// - Throws: ``WireError/malformed(_:)`` for bytes that are not UTF-8, and what ``lengthPrefixed(limit:)`` throws.
    package mutating func text(limit: Int) throws(WireError) -> String {
        let bytes = try self.lengthPrefixed(limit: limit)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed("a text is not UTF-8") }
        return text
    }

    /// Everything that was not read.
    package mutating func rest() -> ArraySlice<UInt8> {
        let rest = self.remaining
        self.remaining = rest.suffix(0)
        return rest
    }

    /// Refuses bytes after the last value.
    ///
    /// - Throws: ``WireError/trailingBytes(byteCount:)``.
    package func requireEnd() throws(WireError) {
        guard self.remaining.isEmpty else { throw .trailingBytes(byteCount: self.remaining.count) }
    }
}
