extension ChannelFrame {
    /// Appends the frame to `output`.
    ///
    /// The caller keeps the bounds of ``ChannelLimits``: a message or field that is too long is our own error and traps.
    package func encode(into output: inout [UInt8]) {
        switch self {
        case .hello(let hello):
            Self.encode(.hello, call: 0, into: &output) { $0.appendHello(hello) }
        case .ready: Self.encode(.ready, call: 0, into: &output) { _ in }
        case .open(let call, let opening):
            Self.encode(.open, call: call, into: &output) { $0.appendOpening(opening) }
        case .message(let call, let message): Self.encodeMessage(message, call: call, into: &output)
        case .finish(let call): Self.encode(.finish, call: call, into: &output) { _ in }
        case .end(let call, let end):
            Self.encode(.end, call: call, flags: end.mayRetryElsewhere ? 1 : 0, into: &output) {
                $0.appendInteger(end.code)
                $0.append(contentsOf: end.text.cut(toBytes: ChannelLimits.endTextBytes).utf8)
            }
        case .cancel(let call, let code):
            Self.encode(.cancel, call: call, into: &output) { $0.appendInteger(code) }
        case .credit(let call, let byteCount):
            Self.encode(.credit, call: call, into: &output) { $0.appendInteger(byteCount) }
        case .ping(let token): Self.encode(.ping, call: 0, into: &output) { $0.appendInteger(token) }
        case .pong(let token): Self.encode(.pong, call: 0, into: &output) { $0.appendInteger(token) }
        case .stop: Self.encode(.stop, call: 0, into: &output) { _ in }
        }
    }

    /// Appends a MESSAGE without building a frame value first.
    package static func encodeMessage(_ message: [UInt8], call: UInt32, into output: inout [UInt8]) {
        output.reserveCapacity(output.count + ChannelLimits.headerBytes + message.count)
        Self.encode(.message, call: call, into: &output) { $0.append(contentsOf: message) }
    }

    private static func encode(
        _ kind: Kind, call: UInt32, flags: UInt8 = 0, into output: inout [UInt8],
        payload: (inout [UInt8]) -> Void
    ) {
        let start = output.count
        output.appendInteger(UInt32(0))
        output.appendInteger(call)
        output.append(kind.rawValue)
        output.append(flags)
        payload(&output)
        let length = output.count - start - ChannelLimits.headerBytes
        precondition(kind.payloadBytes.contains(length), "a frame of type \(kind) cannot have \(length) bytes")
        for index in 0..<4 { output[start + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
    }
}

extension [UInt8] {
    /// Appends an integer, most significant byte first.
    fileprivate mutating func appendInteger<Integer: FixedWidthInteger>(_ value: Integer) {
        for shift in stride(from: Integer.bitWidth - 8, through: 0, by: -8) {
            self.append(UInt8(truncatingIfNeeded: value >> Integer(shift)))
        }
    }

    fileprivate mutating func appendHello(_ hello: ChannelHello) {
        self.append(contentsOf: ChannelLimits.magic)
        self.appendInteger(hello.lowestVersion)
        self.appendInteger(hello.highestVersion)
        self.appendInteger(hello.windowBytes)
        self.appendInteger(hello.calls)
        self.append(contentsOf: hello.name.cut(toBytes: ChannelLimits.nameBytes).utf8)
    }

    fileprivate mutating func appendOpening(_ opening: ChannelOpening) {
        self.appendField(1, Array(opening.method.utf8))
        if opening.deadlineMilliseconds > 0 { self.appendField(2, opening.deadlineMilliseconds) }
        if !opening.caller.isEmpty { self.appendField(3, opening.caller) }
        if !opening.idempotencyKey.isEmpty { self.appendField(4, opening.idempotencyKey) }
        if !opening.traceParent.isEmpty { self.appendField(5, Array(opening.traceParent.utf8)) }
        if opening.attempt != 1 { self.appendField(6, opening.attempt) }
    }

    private mutating func appendField(_ key: UInt8, _ value: [UInt8]) {
        precondition(value.count <= ChannelLimits.fieldBytes, "field \(key) of an OPEN has \(value.count) bytes")
        self.append(key)
        self.appendInteger(UInt16(value.count))
        self.append(contentsOf: value)
    }

    private mutating func appendField(_ key: UInt8, _ value: UInt32) {
        self.append(key)
        self.appendInteger(UInt16(4))
        self.appendInteger(value)
    }
}

extension String {
    /// The longest prefix of whole characters with at most `limit` bytes of UTF-8.
    package func cut(toBytes limit: Int) -> String {
        guard self.utf8.count > limit else { return self }
        var bytes = Array(self.utf8.prefix(limit + 1))
        // The bytes of a character after its first one look like 10xxxxxx: step back to where one begins.
        while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
        bytes.removeLast()
        return String(decoding: bytes, as: UTF8.self)
    }
}
