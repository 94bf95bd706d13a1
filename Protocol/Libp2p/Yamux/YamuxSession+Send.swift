import DequeModule

extension YamuxSession {
    /// A body shorter than this does not begin at the end of a record that has no room for more, in bytes.
    private static let leastBodyBytes = 1024

    /// Appends whole frames, the session's own first and then the streams' in turn, until nothing more can be sent or
    /// fits.
    ///
    /// `limit` is the number of bytes to append at most: what one record of the channel below carries. Returns true when
    /// something was appended.
    package mutating func appendFrames(
        to output: inout [UInt8], limit: Int, nowMilliseconds: UInt64, into events: inout [YamuxEvent]
    ) -> Bool {
        let start = output.count
        let end = start + limit
        if self.liveness.isPingDue, output.count + YamuxHeader.byteCount <= end {
            self.liveness.takePing(nowMilliseconds: nowMilliseconds).append(to: &output)
        }
        self.appendControl(to: &output, end: end)
        var turnsLeft = self.ready.count
        while output.count + YamuxHeader.byteCount <= end, let id = self.ready.popFirst() {
            guard let place = self.table.place(of: id) else { continue }
            let before = output.count
            self.appendTurn(of: place, to: &output, end: end)
            self.endTurn(of: id, into: &events)
            // A stream whose next body does not fit keeps its turn for the next record.
            turnsLeft -= 1
            if output.count == before, turnsLeft <= 0 { break }
        }
        return output.count > start
    }

    private mutating func appendControl(to output: inout [UInt8], end: Int) {
        guard !self.control.isEmpty else { return }
        let room = (end - output.count) / YamuxHeader.byteCount * YamuxHeader.byteCount
        guard room > 0 else { return }
        let taken = min(room, self.control.count)
        output.append(contentsOf: self.control.prefix(taken))
        if taken == self.control.count {
            self.control.removeAll(keepingCapacity: self.control.capacity <= 4096)
        } else {
            self.control.removeFirst(taken)
        }
    }

    /// Appends what one stream may send in its turn: its introduction, credit for the peer, one body, its end.
    private mutating func appendTurn(of place: Int, to output: inout [UInt8], end: Int) {
        if !self.table[place].isIntroduced {
            guard self.introduce(place, to: &output) else { return }
        } else if self.table[place].isGrantDue {
            self.appendWindowUpdate([], of: place, to: &output)
        }
        self.appendBody(of: place, to: &output, end: end)
        if self.table[place].sending == .finishing, self.table[place].sendQueue.isEmpty,
            output.count + YamuxHeader.byteCount <= end
        {
            self.table[place].sending = .finished
            YamuxHeader(.windowUpdate, .finish, number: self.table[place].number).append(to: &output)
        }
    }

    /// Opens or accepts a stream towards the peer; false when it must wait for others to be accepted.
    private mutating func introduce(_ place: Int, to output: inout [UInt8]) -> Bool {
        if !self.table[place].isOpenedByPeer {
            guard self.unacceptedOutboundCount < self.configuration.acknowledgeBacklog else {
                self.unintroduced.append(self.table.id(at: place))
                return false
            }
            self.unacceptedOutboundCount += 1
        }
        self.table[place].isIntroduced = true
        let flag: YamuxHeader.Flags = self.table[place].isOpenedByPeer ? .acknowledge : .synchronize
        self.appendWindowUpdate(flag, of: place, to: &output)
        return true
    }

    private mutating func appendWindowUpdate(
        _ flags: YamuxHeader.Flags, of place: Int, to output: inout [UInt8]
    ) {
        let grant = self.table[place].isGrantDue ? self.table[place].grant : 0
        self.table[place].isGrantDue = false
        self.table[place].receiveCredit += grant
        // A grant is at most a window, which is far below the field's maximum.
        YamuxHeader(.windowUpdate, flags, number: self.table[place].number, length: UInt32(grant)).append(to: &output)
    }

    private mutating func appendBody(of place: Int, to output: inout [UInt8], end: Int) {
        let room = end - output.count - YamuxHeader.byteCount
        let sendable = min(self.table[place].sendQueue.count, self.table[place].sendCredit)
        guard sendable > 0, room >= min(sendable, Self.leastBodyBytes) else { return }
        let fair = self.ready.isEmpty ? YamuxConfiguration.maximumBodyBytes : YamuxConfiguration.sharedBodyBytes
        let count = min(sendable, fair, room)
        YamuxHeader(.data, number: self.table[place].number, length: UInt32(count)).append(to: &output)
        self.table[place].sendQueue.moveFirst(count, to: &output)
        self.table[place].sendCredit -= count
        self.queuedByteCount -= count
    }

    /// Puts a stream that can send more at the end of the queue, wakes its writer and forgets it when it is over.
    private mutating func endTurn(of id: StreamID, into events: inout [YamuxEvent]) {
        guard let place = self.table.place(of: id) else { return }
        let isWaiting = !self.table[place].isOpenedByPeer && !self.table[place].isIntroduced
        if !isWaiting {
            self.table[place].isQueued = false
            self.enqueue(place)
        }
        if self.table[place].isWriterWaiting,
            self.table[place].sendQueue.count <= self.configuration.sendBufferBytes / 2
        {
            self.table[place].isWriterWaiting = false
            events.append(.writable(id))
        }
        self.removeIfOver(at: place)
    }
}
