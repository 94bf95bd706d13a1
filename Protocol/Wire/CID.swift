/// A content identifier, version 1: what the content is, and the digest of it (multiformats/cid).
package struct CID: Hashable, Sendable, CustomStringConvertible {
    /// What the content is, by its code in the multicodec table.
    package struct Codec: RawRepresentable, Hashable, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }

        /// Bytes without a structure that the identifier would tell.
        package static let raw = Codec(rawValue: 0x55)
        /// A libp2p public key, which makes the identifier a peer id.
        package static let libp2pKey = Codec(rawValue: 0x72)
    }

    /// The longest binary form: version, codec and multihash, in bytes.
    package static let maximumByteCount = 1 + 2 * Varint.maximumByteCount + 2 + Multihash.maximumDigestByteCount

    package let codec: Codec
    package let multihash: Multihash

    package init(_ codec: Codec, _ multihash: Multihash) {
        precondition(codec.rawValue <= Varint.maximum, "a codec is a varint")
        self.codec = codec
        self.multihash = multihash
    }

    /// The identifier of raw bytes whose SHA-256 digest is known.
    ///
    /// - Throws: ``WireError/malformed(_:)`` when the digest has not 32 bytes.
    package static func raw(sha256 digest: [UInt8]) throws(WireError) -> CID {
        CID(.raw, try Multihash(.sha256, digest: digest))
    }

    /// Reads the binary form, which must be all of `bytes`.
    ///
    /// - Throws: ``WireError/unsupported(_:)`` for another version, else a ``WireError`` for a malformed one.
    package init(bytes: [UInt8]) throws(WireError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw .overLimit(value: UInt64(bytes.count), limit: Self.maximumByteCount)
        }
        var reader = ByteReader(bytes)
        let version = try reader.varint()
        guard version == 1 else { throw .unsupported("a content identifier of version \(version)") }
        let codec = Codec(rawValue: try reader.varint())
        let multihash = try Multihash(from: &reader)
        try reader.requireEnd()
        self.init(codec, multihash)
    }

    /// Reads the text form in any base of ``Multibase``.
    ///
    /// - Throws: ``WireError/unsupported(_:)`` for another base or version, else a ``WireError`` for a malformed one.
    package init(_ text: some StringProtocol) throws(WireError) {
        if text.utf8.count == 46, text.hasPrefix("Qm") {
            throw .unsupported("a content identifier of version 0 (convert it to version 1, which starts with \"b\")")
        }
        try self.init(bytes: Multibase.decode(text).bytes)
    }

    /// The binary form.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendVarint(1)
        bytes.appendVarint(self.codec.rawValue)
        bytes.append(contentsOf: self.multihash.bytes)
        return bytes
    }

    /// The text form in base 32, as the multiformats recommend.
    package var description: String { Multibase.base32.encode(self.bytes) }

    /// The text form in another base.
    package func text(in base: Multibase) -> String { base.encode(self.bytes) }
}
