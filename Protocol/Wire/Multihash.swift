/// A digest that says which function made it: varint code, varint length, digest (multiformats/multihash).
package struct Multihash: Hashable, Sendable {
    /// A digest function, by its code in the multicodec table.
    package struct Function: RawRepresentable, Hashable, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }

        /// No function: the digest is the content.
        package static let identity = Function(rawValue: 0x00)
        /// SHA-256 (FIPS 180-4), 32 bytes.
        package static let sha256 = Function(rawValue: 0x12)
    }

    /// The longest digest that is read or made, in bytes: a 1024-bit digest.
    package static let maximumDigestByteCount = 128

    package let function: Function
    package let digest: [UInt8]

    /// Names a digest.
    ///
    /// - Throws: ``WireError/overLimit(value:limit:)`` when it is longer than ``maximumDigestByteCount``, and
    ///   ``WireError/malformed(_:)`` when it has not the length that SHA-256 gives.
    package init(_ function: Function, digest: [UInt8]) throws(WireError) {
        guard digest.count <= Self.maximumDigestByteCount else {
            throw .overLimit(value: UInt64(digest.count), limit: Self.maximumDigestByteCount)
        }
        guard function != .sha256 || digest.count == 32 else {
            throw .malformed("a SHA-256 multihash has a digest of \(digest.count) bytes, not 32")
        }
        guard function.rawValue <= Varint.maximum else { throw .varintTooLong }
        self.function = function
        self.digest = digest
    }

    /// Reads one multihash off the front of `reader`.
    ///
    /// - Throws: a ``WireError`` for a malformed, cut or oversized one.
    package init(from reader: inout ByteReader) throws(WireError) {
        let function = Function(rawValue: try reader.varint())
        let digest = try reader.lengthPrefixed(limit: Self.maximumDigestByteCount)
        try self.init(function, digest: Array(digest))
    }

    /// Reads a multihash that is all of `bytes`.
    ///
    /// - Throws: a ``WireError`` for a malformed, cut or oversized one, or for bytes after it.
    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try self.init(from: &reader)
        try reader.requireEnd()
    }

    /// The longest multihash that is a peer id, in bytes: a key of 42 bytes in itself.
    package static let maximumPeerIDByteCount = 44

    /// True for the shape of a peer id: a SHA-256 digest, or at most 42 bytes of key (libp2p specs,
    /// peer-ids/peer-ids.md). Identity checks the key.
    package var isPeerID: Bool {
        self.function == .sha256
            || (self.function == .identity && self.digest.count <= Self.maximumPeerIDByteCount - 2)
    }

    /// The binary form.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.digest.count + 4)
        bytes.appendVarint(self.function.rawValue)
        bytes.appendLengthPrefixed(self.digest)
        return bytes
    }
}
