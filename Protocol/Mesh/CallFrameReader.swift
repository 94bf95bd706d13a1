import Wire

/// Turns one direction of a call's stream into frames, and refuses what is out of order or over a bound
/// (Specs/call.md, section 2). Holds at most one frame's payload.
package struct CallFrameReader: Sendable {
    /// Which direction is read.
    package enum Direction: Sendable {
        /// Header, messages, end: what a host reads.
        case fromCaller
        /// Messages, status: what a caller reads.
        case fromHost
    }

    private enum State {
        case kind
        case length(CallFrame.Kind, [UInt8])
        case payload(CallFrame.Kind, byteCount: Int)
        case finished
    }

    /// Reserved at once for a payload, whatever its frame claims, in bytes.
    private static let reservedBytes = 65_536

    private let direction: Direction
    private var state = State.kind
    private var sawHeader = false
    private var payload: [UInt8] = []

    package init(_ direction: Direction) { self.direction = direction }

    /// True after the last frame of the direction.
    package var isFinished: Bool { if case .finished = self.state { true } else { false } }

    /// Reads what came next on the stream.
    ///
    /// - Returns: the frames that it completed, in order.
    /// - Throws: at the first fault; the reader must not be used afterwards.
    package mutating func read(_ chunk: [UInt8]) throws(CallFrameError) -> [CallFrame] {
        var frames: [CallFrame] = []
        var rest = chunk[...]
        while let byte = rest.first {
            switch self.state {
            case .finished: throw .unexpectedFrame(kind: byte)
            case .kind:
                self.state = .length(try self.kind(byte), [])
                rest = rest.dropFirst()
            case .length(let kind, var digits):
                digits.append(byte)
                rest = rest.dropFirst()
                guard let byteCount = try self.length(of: kind, digits) else {
                    self.state = .length(kind, digits)
                    continue
                }
                try self.begin(kind, byteCount: byteCount, into: &frames)
            case .payload(let kind, let byteCount):
                let taken = rest.prefix(byteCount - self.payload.count)
                self.payload.append(contentsOf: taken)
                rest = rest.dropFirst(taken.count)
                if self.payload.count == byteCount { frames.append(try self.complete(kind)) }
            }
        }
        return frames
    }

    /// States that the sender finished its direction.
    ///
    /// - Throws: ``CallFrameError/cutOff`` unless its last frame came.
    package func finish() throws(CallFrameError) {
        guard self.isFinished else { throw .cutOff }
    }

    private func kind(_ byte: UInt8) throws(CallFrameError) -> CallFrame.Kind {
        guard let kind = CallFrame.Kind(rawValue: byte) else { throw .unexpectedFrame(kind: byte) }
        let isExpected =
            switch (self.direction, kind) {
            case (.fromCaller, .header): !self.sawHeader
            case (.fromCaller, .message), (.fromCaller, .end): self.sawHeader
            case (.fromHost, .message), (.fromHost, .status): true
            case (.fromCaller, .status), (.fromHost, .header), (.fromHost, .end): false
            }
        guard isExpected else { throw .unexpectedFrame(kind: byte) }
        return kind
    }

    /// The length that the digits spell; nil when more digits follow.
    private func length(of kind: CallFrame.Kind, _ digits: [UInt8]) throws(CallFrameError) -> Int? {
        let decoded: (value: UInt64, byteCount: Int)?
        do throws(WireError) {
            decoded = try Varint.decode(digits[...])
        } catch {
            throw .malformedLength
        }
        guard let value = decoded?.value else { return nil }
        guard let byteCount = Int(exactly: value), byteCount <= kind.maximumBytes else {
            throw .frameTooLong(kind: kind.rawValue, byteCount: value)
        }
        return byteCount
    }

    private mutating func begin(
        _ kind: CallFrame.Kind, byteCount: Int, into frames: inout [CallFrame]
    ) throws(CallFrameError) {
        self.payload = []
        guard byteCount > 0 else { return frames.append(try self.complete(kind)) }
        self.payload.reserveCapacity(min(byteCount, Self.reservedBytes))
        self.state = .payload(kind, byteCount: byteCount)
    }

    private mutating func complete(_ kind: CallFrame.Kind) throws(CallFrameError) -> CallFrame {
        let payload = self.payload
        self.payload = []
        self.state = .kind
        switch kind {
        case .header:
            self.sawHeader = true
            return .header(try CallHeader(payload: payload))
        case .message: return .message(payload)
        case .end:
            self.state = .finished
            return .end
        case .status:
            self.state = .finished
            return .status(try CallFailure.read(payload: payload))
        }
    }
}
