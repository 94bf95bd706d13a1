/// The bounds of a connection (Specs/libp2p.md, section 2). The values given are those of our profile.
package struct ConnectionConfiguration: Sendable {
    /// From the first byte to an authenticated peer with a muxer, in milliseconds.
    package var handshakeTimeoutMilliseconds: UInt64 = 15_000
    /// From the opening of a stream to an agreed protocol, in milliseconds.
    package var negotiationTimeoutMilliseconds: UInt64 = 10_000
    package var yamux = YamuxConfiguration()

    package init() {}
}

/// The random bytes that one connection needs. Use each value once.
package struct ConnectionRandomness: Sendable {
    /// The length in bytes.
    package static let byteCount = 32
    let ephemeralPrivateKey: [UInt8]

    /// - Parameter bytes: ``byteCount`` random bytes.
    package init(_ bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount, "a connection needs 32 random bytes")
        self.ephemeralPrivateKey = bytes
    }
}
