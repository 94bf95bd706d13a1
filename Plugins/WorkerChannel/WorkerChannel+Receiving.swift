extension WorkerChannel {
    /// Reads bytes from the socket, in pieces of any size, and appends what they mean to `events`.
    ///
    /// - Throws: ``ChannelViolation`` when the other end broke the protocol. The events before it are valid; the channel
    ///   must not be used again.
    package mutating func receive(_ bytes: RawSpan, into events: inout [Event]) throws(ChannelViolation) {
        var offset = 0
        while let frame = try self.decoder.next(in: bytes, at: &offset) { try self.apply(frame, &events) }
    }

    private mutating func apply(_ frame: ChannelFrame, _ events: inout [Event]) throws(ChannelViolation) {
        if case .hello(let hello) = frame { return try self.onHello(hello, &events) }
        guard self.phase != .greeting || self.peer != nil else {
            throw .unexpected(type: frame.kind.rawValue, reason: "the first frame is a HELLO")
        }
        switch frame {
        case .hello: break
        case .ping(let token): ChannelFrame.pong(token).encode(into: &self.output)
        case .pong(let token):
            guard self.unansweredPing == token else {
                throw .unexpected(type: frame.kind.rawValue, reason: "it answers no PING")
            }
            self.unansweredPing = nil
            events.append(.ponged)
        case .message(let call, let message): try self.onMessage(message, call, &events)
        case .credit(let call, let byteCount): try self.onCredit(Int(byteCount), call, &events)
        case .ready, .end: try self.onWorkerFrame(frame, &events)
        case .open, .finish, .cancel, .stop: try self.onHostFrame(frame, &events)
        }
    }

    private mutating func onHello(_ hello: ChannelHello, _ events: inout [Event]) throws(ChannelViolation) {
        guard self.peer == nil else {
            throw .unexpected(type: ChannelFrame.Kind.hello.rawValue, reason: "there is one HELLO")
        }
        guard (hello.lowestVersion...hello.highestVersion).contains(ChannelLimits.version),
            self.role == .worker || hello.lowestVersion == hello.highestVersion
        else { throw .noSharedVersion(lowest: hello.lowestVersion, highest: hello.highestVersion) }
        self.peer = hello
        self.callLimit = min(self.callLimit, Int(hello.calls))
        if self.phase == .greeting { self.phase = .connected }
        if self.role == .worker { ChannelFrame.hello(self.own).encode(into: &self.output) }
        events.append(.connected(hello))
    }

    private mutating func onMessage(
        _ message: [UInt8], _ call: UInt32, _ events: inout [Event]
    ) throws(ChannelViolation) {
        let type = ChannelFrame.Kind.message.rawValue
        guard let state = self.calls[call] else { return try self.ignoreEndedCall(type, call) }
        if self.role == .worker, state.isInputFinished || state.isCancelled {
            throw .unexpected(type: type, reason: "the input of call \(call) is over")
        }
        guard state.receiveBalance > 0 else { throw .creditExceeded(call: call) }
        self.calls[call]?.receiveBalance -= message.count + ChannelLimits.messageOverheadBytes
        if !state.isCancelled { events.append(.message(call: call, message)) }
    }

    private mutating func onCredit(
        _ byteCount: Int, _ call: UInt32, _ events: inout [Event]
    ) throws(ChannelViolation) {
        let type = ChannelFrame.Kind.credit.rawValue
        guard let state = self.calls[call] else { return try self.ignoreEndedCall(type, call) }
        let balance = state.sendBalance + byteCount
        guard balance <= ChannelLimits.balanceBytes else { throw .creditOverflow(call: call) }
        self.calls[call]?.sendBalance = balance
        if balance > 0, state.owesWritable {
            self.calls[call]?.owesWritable = false
            events.append(.writable(call: call))
        }
    }

    /// A worker ignores what was on its way to a call that it ended; a host knows every id that is in use.
    private func ignoreEndedCall(_ type: UInt8, _ call: UInt32) throws(ChannelViolation) {
        guard self.role == .worker else { throw .unknownCall(type: type, call: call) }
    }

    private mutating func onWorkerFrame(
        _ frame: ChannelFrame, _ events: inout [Event]
    ) throws(ChannelViolation) {
        let type = frame.kind.rawValue
        guard self.role == .host else { throw .unexpected(type: type, reason: "only a worker sends it") }
        switch frame {
        case .end(let call, let end):
            guard self.calls.removeValue(forKey: call) != nil else { throw .unknownCall(type: type, call: call) }
            events.append(.ended(call: call, end))
        default:
            guard !self.isWorkerReady else { throw .unexpected(type: type, reason: "there is one READY") }
            self.isWorkerReady = true
            if self.phase == .connected { self.phase = .ready }
            events.append(.ready)
        }
    }

    private mutating func onHostFrame(_ frame: ChannelFrame, _ events: inout [Event]) throws(ChannelViolation) {
        let type = frame.kind.rawValue
        guard self.role == .worker else { throw .unexpected(type: type, reason: "only a host sends it") }
        switch frame {
        case .open(let call, let opening):
            guard self.phase == .ready else {
                throw .unexpected(type: type, reason: "the worker is not ready or was told to stop")
            }
            guard self.calls[call] == nil else { throw .unexpected(type: type, reason: "call \(call) is open") }
            guard self.calls.count < self.callLimit else { throw .tooManyCalls(limit: self.callLimit) }
            self.calls[call] = self.newCall()
            events.append(.opened(call: call, opening))
        case .finish(let call):
            guard let state = self.calls[call] else { return }
            guard !state.isInputFinished, !state.isCancelled else {
                throw .unexpected(type: type, reason: "the input of call \(call) is over")
            }
            self.calls[call]?.isInputFinished = true
            events.append(.inputFinished(call: call))
        case .cancel(let call, let code):
            guard let state = self.calls[call] else { return }
            guard !state.isCancelled else { throw .unexpected(type: type, reason: "call \(call) is cancelled") }
            self.calls[call]?.isCancelled = true
            events.append(.cancelled(call: call, code: code))
        default:
            guard self.phase != .stopping else { throw .unexpected(type: type, reason: "there is one STOP") }
            self.phase = .stopping
            events.append(.stopping)
        }
    }
}

extension ChannelFrame {
    /// The type on the wire.
    package var kind: Kind {
        switch self {
        case .hello: .hello
        case .ready: .ready
        case .open: .open
        case .message: .message
        case .finish: .finish
        case .end: .end
        case .cancel: .cancel
        case .credit: .credit
        case .ping: .ping
        case .pong: .pong
        case .stop: .stop
        }
    }
}
