import Wire

/// One frame of a call (Specs/call.md, section 2).
package enum CallFrame: Sendable, Hashable {
    /// From the caller, first and once.
    case header(CallHeader)
    /// From both ends, any number; at most ``CallLimits/messageBytes`` bytes.
    case message([UInt8])
    /// From the caller, once and last: no message follows.
    case end
    /// From the host, once and last: how the call ended; nil is ``CallStatus/ok``.
    case status(CallFailure?)

    /// The first byte of a frame.
    package enum Kind: UInt8, Sendable {
        case header = 0
        case message = 1
        case end = 2
        case status = 3

        /// The longest payload of a frame of this kind, in bytes.
        package var maximumBytes: Int {
            switch self {
            case .header: CallLimits.headerBytes
            case .message: CallLimits.messageBytes
            case .end: 0
            case .status: CallLimits.statusBytes
            }
        }
    }

    /// The longest kind and length before a payload, in bytes.
    package static let prefixBytes = 4

    /// The frame as it goes on the stream. Traps on a message over ``CallLimits/messageBytes``: the shell checks what
    /// it is given before it frames it.
    package var bytes: [UInt8] {
        switch self {
        case .header(let header): Self.encode(.header, header.payload)
        case .message(let message): Self.encode(.message, message)
        case .end: Self.encode(.end, [])
        case .status(let failure): Self.encode(.status, CallFailure.payload(of: failure))
        }
    }

    private static func encode(_ kind: Kind, _ payload: [UInt8]) -> [UInt8] {
        precondition(payload.count <= kind.maximumBytes, "a frame's payload is checked before it is framed")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.prefixBytes + payload.count)
        bytes.append(kind.rawValue)
        bytes.appendVarint(UInt64(payload.count))
        bytes.append(contentsOf: payload)
        return bytes
    }
}
