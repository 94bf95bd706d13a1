/// One frame of the worker channel (Specs/worker-channel.md, section 1), decoded and within its bounds.
package enum ChannelFrame: Sendable, Hashable {
    case hello(ChannelHello)
    case ready
    case open(call: UInt32, ChannelOpening)
    case message(call: UInt32, [UInt8])
    case finish(call: UInt32)
    case end(call: UInt32, ChannelEnd)
    case cancel(call: UInt32, code: UInt16)
    case credit(call: UInt32, byteCount: UInt32)
    case ping(UInt64)
    case pong(UInt64)
    case stop

    /// The number of each type on the wire.
    package enum Kind: UInt8, Sendable, CaseIterable {
        case hello = 1
        case ready, open, message, finish, end, cancel, credit, ping, pong, stop

        /// The payload lengths that the type may have.
        package var payloadBytes: ClosedRange<Int> {
            switch self {
            case .hello: 20...(20 + ChannelLimits.nameBytes)
            case .open: 0...ChannelLimits.controlBytes
            case .end: 2...(2 + ChannelLimits.endTextBytes)
            case .message: 0...ChannelLimits.messageBytes
            case .ready, .finish, .stop: 0...0
            case .cancel: 2...2
            case .credit: 4...4
            case .ping, .pong: 8...8
            }
        }

        /// Whether the type belongs to a call (true) or to the channel itself (false).
        package var hasCall: Bool {
            switch self {
            case .hello, .ready, .ping, .pong, .stop: false
            case .open, .message, .finish, .end, .cancel, .credit: true
            }
        }
    }
}

/// What both ends say first (section 2).
package struct ChannelHello: Sendable, Hashable {
    package var lowestVersion: UInt16
    package var highestVersion: UInt16
    /// Bytes that the other end may send in each call before any credit.
    package var windowBytes: UInt32
    /// The most calls at once.
    package var calls: UInt32
    /// From the host the worker's name, from the worker its SDK.
    package var name: String

    package init(
        lowestVersion: UInt16 = ChannelLimits.version, highestVersion: UInt16 = ChannelLimits.version,
        windowBytes: UInt32, calls: UInt32, name: String
    ) {
        self.lowestVersion = lowestVersion
        self.highestVersion = highestVersion
        self.windowBytes = windowBytes
        self.calls = calls
        self.name = name
    }
}

/// What an OPEN says about its call (section 3). Absent fields are 0 or empty.
package struct ChannelOpening: Sendable, Hashable {
    package var method: String
    package var deadlineMilliseconds: UInt32
    package var caller: [UInt8]
    package var idempotencyKey: [UInt8]
    package var traceParent: String
    package var attempt: UInt32

    package init(
        method: String, deadlineMilliseconds: UInt32 = 0, caller: [UInt8] = [], idempotencyKey: [UInt8] = [],
        traceParent: String = "", attempt: UInt32 = 1
    ) {
        self.method = method
        self.deadlineMilliseconds = deadlineMilliseconds
        self.caller = caller
        self.idempotencyKey = idempotencyKey
        self.traceParent = traceParent
        self.attempt = attempt
    }
}

/// How a call ended (section 4).
package struct ChannelEnd: Sendable, Hashable {
    /// A code of Specs/call.md, section 5; 0 is success.
    package var code: UInt16
    package var text: String
    package var mayRetryElsewhere: Bool

    package init(code: UInt16, text: String = "", mayRetryElsewhere: Bool = false) {
        self.code = code
        self.text = text
        self.mayRetryElsewhere = mayRetryElsewhere
    }
}
