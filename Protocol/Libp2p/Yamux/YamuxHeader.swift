import Wire

/// The twelve bytes in front of every yamux frame (hashicorp/yamux spec.md, "Framing"; Specs/libp2p.md, section 5).
package struct YamuxHeader: Equatable, Sendable {
    /// What a frame is for.
    package enum Kind: UInt8, Sendable {
        /// Bytes of a stream; the length says how many follow.
        case data = 0
        /// More credit for the sender of a stream; the length is the credit, in bytes.
        case windowUpdate = 1
        /// A probe (SYN) or its answer (ACK); the length is an opaque value.
        case ping = 2
        /// The session ends; the length is a ``YamuxGoAway``.
        case goAway = 3
    }

    /// The flags of a frame. Bits that are not named here are ignored.
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }

        /// Opens a stream, or asks with a ping.
        package static let synchronize = Flags(rawValue: 1)
        /// Accepts a stream, or answers a ping.
        package static let acknowledge = Flags(rawValue: 2)
        /// The sender will send no more on the stream.
        package static let finish = Flags(rawValue: 4)
        /// The stream is over at once, in both directions.
        package static let reset = Flags(rawValue: 8)
    }

    /// The number of bytes of a header.
    package static let byteCount = 12

    package var kind: Kind
    package var flags: Flags
    /// The number of the stream on the wire; zero is the session.
    package var number: UInt32
    package var length: UInt32

    package init(_ kind: Kind, _ flags: Flags = [], number: UInt32 = 0, length: UInt32 = 0) {
        self.kind = kind
        self.flags = flags
        self.number = number
        self.length = length
    }

    /// Reads a header.
    ///
    /// - Parameter bytes: at least ``byteCount`` bytes; the first are read.
    /// - Throws: ``YamuxFailure/unknownVersion(_:)`` or ``YamuxFailure/unknownKind(_:)``.
    init(parsing bytes: RawSpan) throws(YamuxFailure) {
        guard bytes.byte(at: 0) == 0 else { throw .unknownVersion(bytes.byte(at: 0)) }
        guard let kind = Kind(rawValue: bytes.byte(at: 1)) else { throw .unknownKind(bytes.byte(at: 1)) }
        self.kind = kind
        self.flags = Flags(rawValue: UInt16(bytes.byte(at: 2)) << 8 | UInt16(bytes.byte(at: 3)))
        self.number = Self.integer(bytes, at: 4)
        self.length = Self.integer(bytes, at: 8)
    }

    /// Appends the header to bytes that will be sent.
    package func append(to output: inout [UInt8]) {
        output.append(0)
        output.append(self.kind.rawValue)
        output.appendBigEndian(self.flags.rawValue)
        output.appendBigEndian(self.number)
        output.appendBigEndian(self.length)
    }

    private static func integer(_ bytes: RawSpan, at offset: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in offset..<offset + 4 { value = value << 8 | UInt32(bytes.byte(at: index)) }
        return value
    }
}

/// Why a session ends, as the peer is told (hashicorp/yamux spec.md, "Go Away").
package enum YamuxGoAway: UInt32, Sendable {
    case normal = 0
    case protocolError = 1
    case internalError = 2
}
