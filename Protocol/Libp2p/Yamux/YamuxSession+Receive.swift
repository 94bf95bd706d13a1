import Wire

/// Where in the byte stream of frames a session is.
struct YamuxParser: Sendable {
    /// The start of a header whose rest has not come.
    var header: [UInt8] = []
    /// The stream whose body comes now; nil discards it.
    var bodyStream: StreamID?
    /// Bytes of the body that have not come.
    var bodyRemaining = 0
    /// The frame that carries the body finishes the stream.
    var isFinishing = false
}

extension YamuxSession {
    /// Takes in what the peer sent, cut anywhere.
    ///
    /// - Parameters:
    ///   - bytes: decrypted bytes. Events share their storage, or copy when they would keep far more of it alive than
    ///     they use.
    ///   - storageByteCount: the size of that storage, in bytes.
    ///   - nowMilliseconds: the time.
    ///   - events: what happened is appended here.
    /// - Throws: ``YamuxFailure``; the session is over then and the connection must be closed.
    package mutating func receive(
        _ bytes: ArraySlice<UInt8>, storageByteCount: Int, nowMilliseconds: UInt64, into events: inout [YamuxEvent]
    ) throws(YamuxFailure) {
        guard !bytes.isEmpty else { return }
        self.liveness.lastReceiveMilliseconds = nowMilliseconds
        var rest = bytes
        while !rest.isEmpty {
            if self.parser.bodyRemaining > 0 {
                let chunk = rest.prefix(self.parser.bodyRemaining)
                rest = rest.dropFirst(chunk.count)
                self.receiveBody(chunk, storageByteCount: storageByteCount, into: &events)
            } else if let header = try self.nextHeader(&rest) {
                try self.receiveFrame(header, nowMilliseconds: nowMilliseconds, into: &events)
            }
        }
        guard self.control.count <= self.configuration.controlQueueBytes else {
            throw .controlFlood(limitBytes: self.configuration.controlQueueBytes)
        }
    }

    private mutating func nextHeader(_ rest: inout ArraySlice<UInt8>) throws(YamuxFailure) -> YamuxHeader? {
        if self.parser.header.isEmpty, rest.count >= YamuxHeader.byteCount {
            let header = try YamuxHeader(parsing: rest.span.bytes)
            rest = rest.dropFirst(YamuxHeader.byteCount)
            return header
        }
        let missing = rest.prefix(YamuxHeader.byteCount - self.parser.header.count)
        self.parser.header.append(contentsOf: missing)
        rest = rest.dropFirst(missing.count)
        guard self.parser.header.count == YamuxHeader.byteCount else { return nil }
        let header = try YamuxHeader(parsing: self.parser.header.span.bytes)
        self.parser.header.removeAll(keepingCapacity: true)
        return header
    }

    private mutating func receiveFrame(
        _ header: YamuxHeader, nowMilliseconds: UInt64, into events: inout [YamuxEvent]
    ) throws(YamuxFailure) {
        switch header.kind {
        case .data, .windowUpdate:
            try self.receiveStreamFrame(header, nowMilliseconds: nowMilliseconds, into: &events)
        case .ping:
            guard header.number == 0 else { throw .sessionFrameOnStream(header.number) }
            if header.flags.contains(.synchronize) {
                YamuxHeader(.ping, .acknowledge, length: header.length).append(to: &self.control)
            } else if header.flags.contains(.acknowledge),
                let roundTrip = self.liveness.onPong(
                    header.length, self.configuration, nowMilliseconds: nowMilliseconds)
            {
                events.append(.roundTripMeasured(milliseconds: roundTrip))
            }
        case .goAway:
            guard header.number == 0 else { throw .sessionFrameOnStream(header.number) }
            guard let reason = YamuxGoAway(rawValue: header.length) else { throw .unknownGoAway(header.length) }
            self.isFarewellReceived = true
            events.append(.goAway(reason))
        }
    }

    private mutating func receiveStreamFrame(
        _ header: YamuxHeader, nowMilliseconds: UInt64, into events: inout [YamuxEvent]
    ) throws(YamuxFailure) {
        var place = self.table.place(ofNumber: header.number)
        if header.flags.contains(.synchronize) {
            guard header.number != 0, header.number.isMultiple(of: 2) == self.isDialer else {
                throw .wrongStreamNumber(header.number)
            }
            guard place == nil else { throw .duplicateStream(header.number) }
            try self.requireRoom(for: header, credit: YamuxConfiguration.initialWindowBytes)
            place = self.acceptable(header.number)
            if let place { events.append(.opened(self.table.id(at: place))) }
        }
        guard let place else {
            // Unknown or refused: what follows on it is dropped, as frames cross on the way.
            if header.kind == .data { self.expectBody(of: nil, header) }
            return
        }
        if header.flags.contains(.acknowledge) { self.onAcknowledged(place) }
        switch header.kind {
        case .windowUpdate: self.addCredit(Int(header.length), to: place)
        case .data where header.length > 0 && self.table[place].isPeerFinished:
            let id = self.table.id(at: place)
            self.expectBody(of: nil, header)
            self.queueReset(number: header.number)
            self.remove(at: place)
            events.append(.ended(id, .dataAfterFinish))
            return
        default:
            try self.requireRoom(for: header, credit: self.table[place].receiveCredit)
            self.table[place].receiveCredit -= Int(header.length)
            if self.table[place].lastGrantMilliseconds == nil {
                self.table[place].lastGrantMilliseconds = nowMilliseconds
            }
            self.expectBody(of: self.table.id(at: place), header)
        }
        if header.flags.contains(.reset) {
            try self.onReset(place, nowMilliseconds: nowMilliseconds, into: &events)
        } else if header.flags.contains(.finish), self.parser.bodyRemaining == 0 {
            self.onFinish(place, into: &events)
        }
    }

    private func requireRoom(for header: YamuxHeader, credit: Int) throws(YamuxFailure) {
        guard header.kind == .data, Int(header.length) > credit else { return }
        throw .windowExceeded(number: header.number, byteCount: header.length, credit: credit)
    }

    /// Takes a place for a stream of the peer, or answers with a reset and gives nil when it may not have another.
    private mutating func acceptable(_ number: UInt32) -> Int? {
        guard !self.isFarewellSent, self.inboundCount < self.configuration.inboundStreamLimit,
            self.unacceptedInboundCount < self.configuration.acknowledgeBacklog
        else {
            self.queueReset(number: number)
            return nil
        }
        self.inboundCount += 1
        self.unacceptedInboundCount += 1
        return self.insert(number: number, isOpenedByPeer: true)
    }

    private mutating func expectBody(of id: StreamID?, _ header: YamuxHeader) {
        self.parser.bodyStream = id
        self.parser.bodyRemaining = Int(header.length)
        self.parser.isFinishing = header.flags.contains(.finish)
    }

    private mutating func addCredit(_ byteCount: Int, to place: Int) {
        // More than the field can say is never needed; a peer that overflows it gains nothing.
        self.table[place].sendCredit = min(self.table[place].sendCredit + byteCount, Int(UInt32.max))
        self.enqueue(place)
    }

    private mutating func onAcknowledged(_ place: Int) {
        let stream = self.table[place]
        guard !stream.isOpenedByPeer, stream.isIntroduced, !stream.isAccepted else { return }
        self.table[place].isAccepted = true
        self.releaseBacklog()
    }

    private mutating func onReset(
        _ place: Int, nowMilliseconds: UInt64, into events: inout [YamuxEvent]
    ) throws(YamuxFailure) {
        let id = self.table.id(at: place)
        let isOpenedByPeer = self.table[place].isOpenedByPeer
        self.remove(at: place)
        events.append(.ended(id, .resetByPeer))
        guard !isOpenedByPeer || self.resets.take(nowMilliseconds: nowMilliseconds) else {
            throw .resetFlood(limitPerSecond: self.configuration.resetsPerSecond)
        }
    }

    private mutating func onFinish(_ place: Int, into events: inout [YamuxEvent]) {
        guard !self.table[place].isPeerFinished else { return }
        self.table[place].isPeerFinished = true
        self.table[place].isGrantDue = false
        events.append(.finished(self.table.id(at: place)))
        self.removeIfOver(at: place)
    }

    private mutating func receiveBody(
        _ chunk: ArraySlice<UInt8>, storageByteCount: Int, into events: inout [YamuxEvent]
    ) {
        self.parser.bodyRemaining -= chunk.count
        guard let id = self.parser.bodyStream, let place = self.table.place(of: id) else { return }
        guard self.unconsumedByteCount + chunk.count <= self.configuration.receiveBudgetBytes else {
            self.queueReset(number: self.table[place].number)
            self.remove(at: place)
            events.append(.ended(id, .receiveBudgetExceeded))
            return
        }
        self.table[place].unconsumed += chunk.count
        self.unconsumedByteCount += chunk.count
        // A slice keeps the whole storage alive. A peer must not make one byte hold a whole receive buffer.
        let isWasteful = chunk.count * 4 < storageByteCount
        events.append(.data(id, isWasteful ? Array(chunk)[...] : chunk))
        if self.parser.isFinishing, self.parser.bodyRemaining == 0 { self.onFinish(place, into: &events) }
    }
}
