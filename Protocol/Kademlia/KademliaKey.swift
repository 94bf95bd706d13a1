import Cryptography
package import Identity

/// A position in the key space: SHA-256 of the bytes of a key or of a peer id (Specs/kademlia.md, section 1).
package struct KademliaKey: Hashable, Sendable {
    /// The number of bits of a position.
    package static let bitCount = 256

    // Four words, most significant first: a distance is compared millions of times and an array would allocate.
    fileprivate let words: (UInt64, UInt64, UInt64, UInt64)

    /// The position of a key.
    package init(hashing key: [UInt8]) { self.init(validDigest: SHA256.digest(key)) }

    /// The position of a peer.
    package init(_ peer: PeerID) { self.init(hashing: peer.bytes) }

    /// The position with these bytes; nil unless there are 32.
    package init?(digest: [UInt8]) {
        guard digest.count == 32 else { return nil }
        self.init(validDigest: digest)
    }

    private init(validDigest digest: [UInt8]) {
        func word(_ start: Int) -> UInt64 {
            digest[start..<(start + 8)].reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.words = (word(0), word(8), word(16), word(24))
    }

    /// The 32 bytes of the position.
    package var bytes: [UInt8] {
        [self.words.0, self.words.1, self.words.2, self.words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
    }

    /// How far another position is.
    package func distance(to other: Self) -> KademliaDistance {
        KademliaDistance(
            words: (
                self.words.0 ^ other.words.0, self.words.1 ^ other.words.1, self.words.2 ^ other.words.2,
                self.words.3 ^ other.words.3
            ))
    }

    /// How many leading bits two positions share, 0 to 256.
    package func commonPrefixLength(with other: Self) -> Int { self.distance(to: other).leadingZeroBitCount }

    package static func == (left: Self, right: Self) -> Bool { left.words == right.words }

    package func hash(into hasher: inout Hasher) { hasher.combine(self.words.0) }
}

/// The exclusive or of two positions, ordered as a big-endian number.
package struct KademliaDistance: Comparable, Sendable {
    fileprivate let words: (UInt64, UInt64, UInt64, UInt64)

    /// How many leading bits are zero, 0 to 256.
    package var leadingZeroBitCount: Int {
        if self.words.0 != 0 { return self.words.0.leadingZeroBitCount }
        if self.words.1 != 0 { return 64 + self.words.1.leadingZeroBitCount }
        if self.words.2 != 0 { return 128 + self.words.2.leadingZeroBitCount }
        return 192 + self.words.3.leadingZeroBitCount
    }

    package static func == (left: Self, right: Self) -> Bool { left.words == right.words }
    package static func < (left: Self, right: Self) -> Bool { left.words < right.words }
}
