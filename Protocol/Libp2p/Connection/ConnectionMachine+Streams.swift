/// Streams on the open connection and the protocols they are for (Specs/libp2p.md, section 3).
extension ConnectionMachine {
    mutating func receiveFrames(
        _ bytes: ArraySlice<UInt8>, storageByteCount: Int, nowMilliseconds: UInt64, effects: inout [ConnectionEffect]
    ) {
        var events: [YamuxEvent] = []
        swap(&events, &self.sessionEvents)
        do {
            try self.session.receive(
                bytes, storageByteCount: storageByteCount, nowMilliseconds: nowMilliseconds, into: &events)
        } catch {
            // What came before the breach is still valid, but nobody will answer it any more.
            return self.end(.muxerFailed(error), farewell: .protocolError, effects: &effects)
        }
        self.handle(&events, nowMilliseconds: nowMilliseconds, effects: &effects)
    }

    /// Turns the session's events into effects and keeps the emptied array for the next ones.
    mutating func handle(_ events: inout [YamuxEvent], nowMilliseconds: UInt64, effects: inout [ConnectionEffect]) {
        for event in events where self.phase == .open {
            self.handle(event, nowMilliseconds: nowMilliseconds, effects: &effects)
        }
        events.removeAll(keepingCapacity: events.capacity <= 256)
        swap(&events, &self.sessionEvents)
    }

    private mutating func handle(
        _ event: YamuxEvent, nowMilliseconds: UInt64, effects: inout [ConnectionEffect]
    ) {
        switch event {
        case .opened(let id):
            self.beginNegotiation(
                .answering(MultistreamListener()), id, isHolding: false, nowMilliseconds: nowMilliseconds)
        case .data(let id, let bytes):
            if self.negotiations.isEmpty || self.negotiations[id] == nil {
                effects.append(.data(id, bytes))
            } else {
                self.negotiate(id, bytes, nowMilliseconds: nowMilliseconds, effects: &effects)
            }
        case .finished(let id):
            if self.negotiations[id] == nil {
                effects.append(.remoteFinished(id))
            } else {
                self.fail(id, .finishedDuringNegotiation, effects: &effects)
            }
        case .ended(let id, let end):
            let negotiation = self.negotiations.removeValue(forKey: id)
            if case .answering? = negotiation?.side { return }
            effects.append(.streamEnded(id, StreamEnd(end)))
        case .writable(let id):
            // While proposals are pending, room in the session is not room for the application.
            if self.negotiations[id]?.isHolding != true { effects.append(.writable(id)) }
        case .roundTripMeasured(let milliseconds):
            effects.append(.roundTripMeasured(milliseconds: milliseconds))
        case .goAway(.normal):
            effects.append(.remoteGoingAway)
        case .goAway(let reason):
            self.end(.closedByPeer(reason), farewell: nil, effects: &effects)
        }
    }

    private mutating func negotiate(
        _ id: StreamID, _ bytes: ArraySlice<UInt8>, nowMilliseconds: UInt64, effects: inout [ConnectionEffect]
    ) {
        guard var negotiation = self.negotiations[id] else { return }
        var rest = bytes
        var reply: [UInt8] = []
        let agreed: String?
        do {
            switch negotiation.side {
            case .proposing(var dialer):
                agreed = try dialer.receive(&rest, reply: &reply)
                negotiation.side = .proposing(dialer)
            case .answering(var listener):
                agreed = try listener.receive(&rest, supported: self.supportedProtocols, reply: &reply)
                negotiation.side = .answering(listener)
            }
        } catch {
            return self.fail(id, .negotiationFailed(error), effects: &effects)
        }
        self.session.consumed(bytes.count - rest.count, on: id, nowMilliseconds: nowMilliseconds)
        // At most 20 answers of three bytes, or one proposal: always less than the send buffer has room for.
        if !reply.isEmpty { _ = self.session.write(reply[...], to: id) }
        guard let agreed else {
            self.negotiations[id] = negotiation
            return
        }
        self.negotiations[id] = nil
        switch negotiation.side {
        case .answering:
            self.session.accept(id)
            effects.append(.incomingStream(id, protocolID: agreed))
        case .proposing:
            effects.append(.outgoingStream(id, protocolID: agreed))
            self.release(negotiation, id, effects: &effects)
        }
        if !rest.isEmpty { effects.append(.data(id, rest)) }
    }

    /// Sends what was held back until one of several proposals was agreed on.
    private mutating func release(
        _ negotiation: StreamNegotiation, _ id: StreamID, effects: inout [ConnectionEffect]
    ) {
        var held = negotiation.held
        while let bytes = held.removeFirst() {
            // Every proposal was answered, so the send buffer is empty and takes all that could be held.
            _ = self.session.write(bytes, to: id)
        }
        if negotiation.isFinishHeld { self.session.finish(id) }
        if negotiation.isWriterWaiting { effects.append(.writable(id)) }
    }

    /// Gives up a stream on which no protocol was agreed. The application hears only of those that it opened.
    private mutating func fail(_ id: StreamID, _ end: StreamEnd, effects: inout [ConnectionEffect]) {
        let negotiation = self.negotiations.removeValue(forKey: id)
        self.session.reset(id)
        if case .proposing? = negotiation?.side { effects.append(.streamEnded(id, end)) }
    }

    // MARK: Time and output

    /// When to call ``tick(nowMilliseconds:effects:)`` next; nil when the connection is over.
    package var nextDeadlineMilliseconds: UInt64? {
        switch self.phase {
        case .closed: nil
        case .securing, .shakingHands, .choosingMuxer: self.handshakeDeadlineMilliseconds
        case .open:
            min(self.session.nextDeadlineMilliseconds, self.negotiationDeadlines.first?.deadline ?? .max)
        }
    }

    /// Lets time pass: gives up what took too long and asks a silent peer whether it is there.
    package mutating func tick(nowMilliseconds: UInt64, effects: inout [ConnectionEffect]) {
        switch self.phase {
        case .closed: return
        case .securing, .shakingHands, .choosingMuxer:
            if nowMilliseconds >= self.handshakeDeadlineMilliseconds {
                self.end(.handshakeTimedOut, farewell: nil, effects: &effects)
            }
        case .open:
            while let oldest = self.negotiationDeadlines.first, oldest.deadline <= nowMilliseconds {
                self.negotiationDeadlines.removeFirst()
                if self.negotiations[oldest.id] != nil { self.fail(oldest.id, .negotiationTimedOut, effects: &effects) }
            }
            if !self.session.tick(nowMilliseconds: nowMilliseconds) {
                self.end(.peerSilent, farewell: .normal, effects: &effects)
            }
        }
    }

    /// Appends bytes for the transport to `output`, until there is nothing more to send or `enoughBytes` were appended;
    /// the last record may go beyond by up to 65,537 bytes. Call it again when the transport has room.
    package mutating func takeOutput(
        enoughBytes: Int, into output: inout [UInt8], nowMilliseconds: UInt64, effects: inout [ConnectionEffect]
    ) {
        let start = output.count
        output.append(contentsOf: self.outbound)
        self.outbound = []
        guard self.phase == .open, self.session.hasOutput else { return }
        var events: [YamuxEvent] = []
        swap(&events, &self.sessionEvents)
        var plaintext: [UInt8] = []
        let expected = min(self.session.queuedByteCount, enoughBytes)
        output.reserveCapacity(output.count + expected + expected / 64 + 256)
        plaintext.reserveCapacity(min(expected + 256, NoiseTransport.maximumPlaintextBytes))
        while output.count - start < enoughBytes,
            self.session.appendFrames(
                to: &plaintext, limit: NoiseTransport.maximumPlaintextBytes, nowMilliseconds: nowMilliseconds,
                into: &events)
        {
            self.transport?.seal(plaintext, appendingTo: &output)
            plaintext.removeAll(keepingCapacity: true)
        }
        self.handle(&events, nowMilliseconds: nowMilliseconds, effects: &effects)
    }
}

extension StreamEnd {
    init(_ end: YamuxStreamEnd) {
        self =
            switch end {
            case .resetByPeer: .resetByPeer
            case .dataAfterFinish: .dataAfterFinish
            case .receiveBudgetExceeded: .receiveBudgetExceeded
            }
    }
}
