import DequeModule

/// What happened in a session, for whoever drives it.
package enum YamuxEvent: Sendable {
    /// The peer opened a stream. Answer with ``YamuxSession/accept(_:)`` or ``YamuxSession/reset(_:)``.
    case opened(StreamID)
    /// Bytes of a stream, in order. Say ``YamuxSession/consumed(_:on:nowMilliseconds:)`` when they were used.
    case data(StreamID, ArraySlice<UInt8>)
    /// The peer will send no more on the stream.
    case finished(StreamID)
    /// The stream is over in both directions; its name is not valid any more.
    case ended(StreamID, YamuxStreamEnd)
    /// There is room again after a write that was not taken whole.
    case writable(StreamID)
    case roundTripMeasured(milliseconds: UInt64)
    case goAway(YamuxGoAway)
}

/// Why a stream ended before both sides finished.
package enum YamuxStreamEnd: Error, Equatable, Sendable {
    case resetByPeer
    /// The peer sent more after it had finished.
    case dataAfterFinish
    /// The application leaves more unread on this connection than ``YamuxConfiguration/receiveBudgetBytes``.
    case receiveBudgetExceeded
}

/// Many streams over one ordered, reliable and authenticated connection: yamux (hashicorp/yamux spec.md; libp2p
/// specs/yamux; Specs/libp2p.md, section 5), without I/O, clock or randomness.
///
/// Bytes come in through ``receive(_:storageByteCount:nowMilliseconds:into:)`` and go out, when the transport has room,
/// through ``appendFrames(to:limit:nowMilliseconds:into:)``: nothing is made before it can be sent, so that all streams
/// share the way out fairly however slow it is.
package struct YamuxSession: Sendable {
    let configuration: YamuxConfiguration
    let isDialer: Bool
    var table = YamuxTable()
    /// Streams that can send, each once, in the order of their turns.
    var ready: Deque<StreamID> = []
    /// Our streams that wait until the peer accepts some of those before them.
    var unintroduced: Deque<StreamID> = []
    /// Frames of the session itself and resets: whole frames, bounded by ``YamuxConfiguration/controlQueueBytes``.
    var control: [UInt8] = []
    var parser = YamuxParser()
    var liveness: YamuxLiveness
    var resets: RateBucket

    var nextNumber: UInt32?
    var inboundCount = 0
    var outboundCount = 0
    var unacceptedInboundCount = 0
    var unacceptedOutboundCount = 0
    var isFarewellSent = false
    var isFarewellReceived = false
    /// Bytes handed out and not consumed, over all streams.
    package internal(set) var unconsumedByteCount = 0
    /// The sum of the receive windows, in bytes.
    package internal(set) var windowByteCount = 0
    /// Bytes that wait in the send queues of all streams.
    package internal(set) var queuedByteCount = 0

    /// `isDialer` is true on the side that dialled the connection; its streams have odd numbers. `firstNumber` is the number
    /// of our first stream, 1 or 2 unless given.
    package init(
        configuration: YamuxConfiguration = YamuxConfiguration(), isDialer: Bool, firstNumber: UInt32? = nil,
        nowMilliseconds: UInt64
    ) {
        let firstNumber = firstNumber ?? (isDialer ? 1 : 2)
        precondition(firstNumber != 0 && firstNumber.isMultiple(of: 2) != isDialer, "a number of the other side")
        self.configuration = configuration
        self.isDialer = isDialer
        self.nextNumber = firstNumber
        self.liveness = YamuxLiveness(nowMilliseconds: nowMilliseconds)
        self.resets = RateBucket(
            burst: configuration.resetBurst, perSecond: configuration.resetsPerSecond, nowMilliseconds: nowMilliseconds)
    }

    /// The number of streams that are open or not yet read to their end.
    package var streamCount: Int { self.table.count }

    /// True when ``appendFrames(to:limit:nowMilliseconds:into:)`` has something to append.
    package var hasOutput: Bool { !self.control.isEmpty || !self.ready.isEmpty || self.liveness.isPingDue }

    /// Opens a stream. The peer learns of it with the next output.
    ///
    /// - Throws: ``StreamOpenFailure``.
    package mutating func open() throws(StreamOpenFailure) -> StreamID {
        guard !self.isFarewellSent, !self.isFarewellReceived else { throw .connectionEnding }
        guard self.outboundCount < self.configuration.outboundStreamLimit else {
            throw .tooManyStreams(limit: self.configuration.outboundStreamLimit)
        }
        guard let number = self.nextNumber else { throw .numbersExhausted }
        let (next, isOver) = number.addingReportingOverflow(2)
        self.nextNumber = isOver ? nil : next
        let place = self.insert(number: number, isOpenedByPeer: false)
        self.outboundCount += 1
        self.enqueue(place)
        return self.table.id(at: place)
    }

    /// Accepts a stream that the peer opened. The peer learns of it with the next output.
    package mutating func accept(_ id: StreamID) {
        guard let place = self.table.place(of: id), self.table[place].isOpenedByPeer else { return }
        guard !self.table[place].isAccepted else { return }
        self.table[place].isAccepted = true
        self.unacceptedInboundCount -= 1
        self.enqueue(place)
    }

    /// Queues bytes for sending and says how many were taken: all, or as many as the stream's send buffer had room for.
    /// After fewer than all, ``YamuxEvent/writable(_:)`` follows. A stream that is over or finished takes none.
    package mutating func write(_ bytes: ArraySlice<UInt8>, to id: StreamID) -> Int {
        guard let place = self.table.place(of: id), self.table[place].sending == .open else { return 0 }
        let room = self.configuration.sendBufferBytes - self.table[place].sendQueue.count
        let taken = bytes.prefix(max(room, 0))
        if taken.count < bytes.count { self.table[place].isWriterWaiting = true }
        guard !taken.isEmpty else { return 0 }
        self.table[place].sendQueue.append(taken)
        self.queuedByteCount += taken.count
        self.enqueue(place)
        return taken.count
    }

    /// Says that nothing more will be written. What was written is still sent.
    package mutating func finish(_ id: StreamID) {
        guard let place = self.table.place(of: id), self.table[place].sending == .open else { return }
        self.table[place].sending = .finishing
        self.enqueue(place)
    }

    /// Ends a stream at once in both directions and drops what was not sent. The peer is told unless both sides had
    /// finished or it never heard of the stream.
    package mutating func reset(_ id: StreamID) {
        guard let place = self.table.place(of: id) else { return }
        let stream = self.table[place]
        let isOverAlready = stream.sending == .finished && stream.isPeerFinished
        if !isOverAlready, stream.isOpenedByPeer || stream.isIntroduced { self.queueReset(number: stream.number) }
        self.remove(at: place)
    }

    /// Says that the application used bytes of a stream, at most as many as were handed out and not yet reported, so
    /// that the peer may send as many more. A stream that is over is ignored.
    package mutating func consumed(_ byteCount: Int, on id: StreamID, nowMilliseconds: UInt64) {
        guard let place = self.table.place(of: id) else { return }
        precondition(
            byteCount >= 0 && byteCount <= self.table[place].unconsumed, "only what was handed out can be consumed")
        self.table[place].unconsumed -= byteCount
        self.unconsumedByteCount -= byteCount
        if self.table[place].isPeerFinished {
            self.removeIfOver(at: place)
        } else if !self.table[place].isGrantDue, self.table[place].grant >= self.table[place].receiveWindow / 2 {
            self.growWindow(at: place, nowMilliseconds: nowMilliseconds)
            self.table[place].isGrantDue = true
            self.enqueue(place)
        }
    }

    /// Tells the peer that the session ends. Streams go on unless the reason is an error; new ones are refused.
    package mutating func sayFarewell(_ reason: YamuxGoAway) {
        guard !self.isFarewellSent else { return }
        self.isFarewellSent = true
        YamuxHeader(.goAway, length: reason.rawValue).append(to: &self.control)
    }
}

extension YamuxSession {
    mutating func insert(number: UInt32, isOpenedByPeer: Bool) -> Int {
        self.windowByteCount += YamuxConfiguration.initialWindowBytes
        return self.table.insert(number: number, isOpenedByPeer: isOpenedByPeer)
    }

    /// Gives a stream a turn if it can use one.
    mutating func enqueue(_ place: Int) {
        guard !self.table[place].isQueued, self.table[place].canSend else { return }
        self.table[place].isQueued = true
        self.ready.append(self.table.id(at: place))
    }

    mutating func queueReset(number: UInt32) {
        YamuxHeader(.windowUpdate, .reset, number: number).append(to: &self.control)
    }

    /// Forgets a stream after both sides finished and the application used everything.
    mutating func removeIfOver(at place: Int) {
        let stream = self.table[place]
        guard stream.sending == .finished, stream.isPeerFinished, stream.unconsumed == 0 else { return }
        self.remove(at: place)
    }

    mutating func remove(at place: Int) {
        let stream = self.table[place]
        self.queuedByteCount -= stream.sendQueue.count
        self.unconsumedByteCount -= stream.unconsumed
        self.windowByteCount -= stream.receiveWindow
        if stream.isOpenedByPeer {
            self.inboundCount -= 1
            if !stream.isAccepted { self.unacceptedInboundCount -= 1 }
        } else {
            self.outboundCount -= 1
            if stream.isIntroduced, !stream.isAccepted { self.releaseBacklog() }
        }
        self.table.remove(at: place)
    }

    /// One of our streams is accepted or over: the next one that waits may be introduced.
    mutating func releaseBacklog() {
        self.unacceptedOutboundCount -= 1
        while let id = self.unintroduced.popFirst() {
            guard let place = self.table.place(of: id) else { continue }
            self.table[place].isQueued = true
            self.ready.append(id)
            return
        }
    }

    /// Doubles a window that was used up faster than four round trips, counting more time for a larger window
    /// (Specs/libp2p.md, section 5.4).
    private mutating func growWindow(at place: Int, nowMilliseconds: UInt64) {
        let window = self.table[place].receiveWindow
        let elapsed = nowMilliseconds &- (self.table[place].lastGrantMilliseconds ?? nowMilliseconds)
        self.table[place].lastGrantMilliseconds = nowMilliseconds
        guard let roundTrip = self.liveness.roundTripMilliseconds else { return }
        let scale = UInt64(min(window / YamuxConfiguration.initialWindowBytes, 64))
        guard elapsed < 4 * roundTrip * scale else { return }
        let growth = min(window, self.configuration.maximumWindowBytes - window)
        guard growth > 0, self.windowByteCount + growth <= self.configuration.receiveBudgetBytes else { return }
        self.table[place].receiveWindow += growth
        self.windowByteCount += growth
    }
}
