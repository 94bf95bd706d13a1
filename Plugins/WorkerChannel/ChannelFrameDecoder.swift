/// Cuts the bytes of a worker channel into frames (Specs/worker-channel.md, section 1).
///
/// Holds at most one unfinished frame, and makes room for its payload only after its length was checked. After a violation it must
/// not be used again.
package struct ChannelFrameDecoder: Sendable {
    private struct Pending: Sendable {
        var kind: ChannelFrame.Kind
        var flags: UInt8
        var call: UInt32
        var length: Int
    }

    private var header: [UInt8] = []
    private var payload: [UInt8] = []
    private var pending: Pending?

    package init() {}

    /// Decodes the next frame from `bytes`, starting at `offset`, which advances past what was used.
    ///
    /// - Returns: nil when all bytes are used and the frame is not complete.
    package mutating func next(in bytes: RawSpan, at offset: inout Int) throws(ChannelViolation) -> ChannelFrame? {
        if self.pending == nil {
            let missing = ChannelLimits.headerBytes - self.header.count
            Self.take(upTo: missing, of: bytes, at: &offset, into: &self.header)
            guard self.header.count == ChannelLimits.headerBytes else { return nil }
            let frame = try Self.readHeader(self.header)
            self.payload.reserveCapacity(frame.length)
            self.pending = frame
        }
        guard let frame = self.pending else { return nil }
        Self.take(upTo: frame.length - self.payload.count, of: bytes, at: &offset, into: &self.payload)
        guard self.payload.count == frame.length else { return nil }
        defer {
            self.header.removeAll(keepingCapacity: true)
            self.pending = nil
        }
        var body: [UInt8] = []
        swap(&body, &self.payload)
        return try ChannelFrame(kind: frame.kind, flags: frame.flags, call: frame.call, payload: body)
    }

    private static func take(
        upTo count: Int, of bytes: RawSpan, at offset: inout Int, into target: inout [UInt8]
    ) {
        let count = min(count, bytes.byteCount - offset)
        guard count > 0 else { return }
        bytes.extracting(offset..<(offset + count)).withUnsafeBytes { target.append(contentsOf: $0) }
        offset += count
    }

    private static func readHeader(_ header: [UInt8]) throws(ChannelViolation) -> Pending {
        var reader = FieldReader(header)
        let length = Int(reader.integer(UInt32.self) ?? 0)
        let call = reader.integer(UInt32.self) ?? 0
        let type = header[8]
        let flags = header[9]
        guard let kind = ChannelFrame.Kind(rawValue: type) else { throw .unknownType(type) }
        guard kind.payloadBytes.contains(length) else { throw .wrongLength(type: type, byteCount: length) }
        guard kind.hasCall == (call != 0) else { throw .wrongCall(type: type, call: call) }
        guard flags == 0 || (kind == .end && flags == 1) else { throw .unknownFlags(type: type, flags: flags) }
        return Pending(kind: kind, flags: flags, call: call, length: length)
    }
}

extension ChannelFrame {
    fileprivate init(kind: Kind, flags: UInt8, call: UInt32, payload: [UInt8]) throws(ChannelViolation) {
        var reader = FieldReader(payload)
        switch kind {
        case .hello: self = .hello(try ChannelHello(payload))
        case .ready: self = .ready
        case .open: self = .open(call: call, try ChannelOpening(payload))
        case .message: self = .message(call: call, payload)
        case .finish: self = .finish(call: call)
        case .end:
            let code = reader.integer(UInt16.self) ?? 0
            let text = String(decoding: payload.dropFirst(2), as: UTF8.self)
            self = .end(call: call, ChannelEnd(code: code, text: text, mayRetryElsewhere: flags & 1 == 1))
        case .cancel: self = .cancel(call: call, code: reader.integer(UInt16.self) ?? 0)
        case .credit:
            guard let byteCount = reader.integer(UInt32.self), byteCount > 0 else {
                throw .outOfRange(field: "credit", value: 0)
            }
            self = .credit(call: call, byteCount: byteCount)
        case .ping: self = .ping(reader.integer(UInt64.self) ?? 0)
        case .pong: self = .pong(reader.integer(UInt64.self) ?? 0)
        case .stop: self = .stop
        }
    }
}

extension ChannelHello {
    fileprivate init(_ payload: [UInt8]) throws(ChannelViolation) {
        var reader = FieldReader(payload)
        guard reader.bytes(ChannelLimits.magic.count) == ChannelLimits.magic else { throw .wrongMagic }
        guard let lowest = reader.integer(UInt16.self), let highest = reader.integer(UInt16.self),
            let window = reader.integer(UInt32.self), let calls = reader.integer(UInt32.self)
        else { throw .wrongLength(type: ChannelFrame.Kind.hello.rawValue, byteCount: payload.count) }
        guard lowest <= highest else { throw .outOfRange(field: "the highest version", value: Int(highest)) }
        guard ChannelLimits.windowBytes.contains(Int(window)) else {
            throw .outOfRange(field: "window", value: Int(window))
        }
        guard ChannelLimits.calls.contains(Int(calls)) else { throw .outOfRange(field: "calls", value: Int(calls)) }
        self.init(
            lowestVersion: lowest, highestVersion: highest, windowBytes: window, calls: calls,
            name: String(decoding: reader.rest, as: UTF8.self))
    }
}

extension ChannelOpening {
    fileprivate init(_ payload: [UInt8]) throws(ChannelViolation) {
        self.init(method: "")
        var reader = FieldReader(payload)
        var seen: [UInt8] = []
        while !reader.isAtEnd {
            guard seen.count < ChannelLimits.fields, let key = reader.integer(UInt8.self), !seen.contains(key),
                let length = reader.integer(UInt16.self), let value = reader.bytes(Int(length))
            else { throw .malformedFields }
            seen.append(key)
            try self.setField(key, value)
        }
        guard Self.isMethod(self.method.utf8) else { throw .wrongMethod }
    }

    private mutating func setField(_ key: UInt8, _ value: [UInt8]) throws(ChannelViolation) {
        guard (1...6).contains(key) else { return }
        guard value.count <= ChannelLimits.fieldBytes else { throw .malformedFields }
        var reader = FieldReader(value)
        switch key {
        case 1: self.method = String(decoding: value, as: UTF8.self)
        case 3: self.caller = value
        case 4: self.idempotencyKey = value
        case 5:
            guard value.allSatisfy({ (0x20..<0x7F).contains($0) }) else { throw .malformedFields }
            self.traceParent = String(decoding: value, as: UTF8.self)
        default:
            guard value.count == 4, let number = reader.integer(UInt32.self) else { throw .malformedFields }
            if key == 2 { self.deadlineMilliseconds = number } else { self.attempt = number }
        }
    }

    /// Whether the bytes are a method name: 1 to 64 of `[A-Za-z0-9._/-]`.
    package static func isMethod(_ name: some Collection<UInt8>) -> Bool {
        (1...ChannelLimits.methodBytes).contains(name.count)
            && name.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "-")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

/// Reads integers and byte strings off the front of a payload.
private struct FieldReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { self.offset == self.bytes.count }
    var rest: ArraySlice<UInt8> { self.bytes[self.offset...] }

    mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>(_: Integer.Type) -> Integer? {
        let width = Integer.bitWidth / 8
        guard self.bytes.count - self.offset >= width else { return nil }
        var value: Integer = 0
        for index in 0..<width {
            value = (width == 1 ? 0 : value << 8) | Integer(self.bytes[self.offset + index])
        }
        self.offset += width
        return value
    }

    mutating func bytes(_ count: Int) -> [UInt8]? {
        guard self.bytes.count - self.offset >= count else { return nil }
        defer { self.offset += count }
        return Array(self.bytes[self.offset..<(self.offset + count)])
    }
}
