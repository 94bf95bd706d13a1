package import Cryptography
import DequeModule
package import Identity

/// A libp2p connection over any ordered and reliable transport, without I/O, clock or randomness: multistream-select,
/// Noise, yamux and the negotiation of a protocol on each stream (Specs/libp2p.md, section 2).
///
/// The shell gives it the bytes that came, sends the bytes of ``takeOutput(enoughBytes:into:nowMilliseconds:effects:)``
/// while ``hasOutput`` holds and the transport has room, calls ``tick(nowMilliseconds:effects:)`` at
/// ``nextDeadlineMilliseconds``, and carries out the effects that these calls append. A dialer has output from the
/// start. Nothing is encrypted before it can be sent, so that a slow transport holds up the writers of the streams.
///
/// `nowMilliseconds` is monotonic and the same clock in every call.
package struct ConnectionMachine: ~Copyable {
    enum Phase { case securing, shakingHands, choosingMuxer, open, closed }

    let configuration: ConnectionConfiguration
    let role: ConnectionRole
    let handshakeDeadlineMilliseconds: UInt64
    var phase = Phase.securing
    /// The protocols that the peer may open streams for. May change at any time.
    package var supportedProtocols: Set<String>
    /// The peer at the other end, once it is authenticated.
    package internal(set) var peer: PeerID?

    var dialer: MultistreamDialer?
    var listener = MultistreamListener()
    var handshake: NoiseHandshake
    var publicKey: PublicKey?
    var transport: NoiseTransport?
    var session: YamuxSession
    var sessionEvents: [YamuxEvent] = []
    /// What came before the channel was secure and is not used yet.
    var inbound: [UInt8] = []
    /// What is to be sent as it is.
    var outbound: [UInt8] = []

    var negotiations: [StreamID: StreamNegotiation] = [:]
    /// The streams that negotiate, the oldest first; also some that already agreed.
    var negotiationDeadlines: Deque<(deadline: UInt64, id: StreamID)> = []

    /// - Throws: ``KeyError`` when the random bytes make no key.
    package init(
        role: ConnectionRole, credentials: NoiseCredentials, supportedProtocols: Set<String>,
        randomness: ConnectionRandomness, configuration: ConnectionConfiguration = ConnectionConfiguration(),
        nowMilliseconds: UInt64
    ) throws(KeyError) {
        self.configuration = configuration
        self.role = role
        self.supportedProtocols = supportedProtocols
        self.handshakeDeadlineMilliseconds = nowMilliseconds + configuration.handshakeTimeoutMilliseconds
        self.handshake = NoiseHandshake(
            role: role, credentials: credentials,
            ephemeralKey: try KeyAgreementKey(privateKey: randomness.ephemeralPrivateKey))
        self.session = YamuxSession(
            configuration: configuration.yamux, isDialer: role != .listener, nowMilliseconds: nowMilliseconds)
        if role != .listener { self.beginDialing() }
    }

    /// True when there is something to send.
    package var hasOutput: Bool { !self.outbound.isEmpty || (self.phase == .open && self.session.hasOutput) }

    /// True after ``ConnectionEffect/closed(_:)``.
    package var isClosed: Bool { self.phase == .closed }

    /// True after ``ConnectionEffect/established(peer:publicKey:)``, until the end.
    package var isEstablished: Bool { self.phase == .open }

    /// The number of streams, also those that still negotiate.
    package var streamCount: Int { self.session.streamCount }

    /// The smoothed round trip, in milliseconds and at least one; nil before it was measured.
    package var roundTripMilliseconds: UInt64? { self.session.roundTripMilliseconds }

    /// Bytes handed out and not consumed, over all streams.
    package var unconsumedByteCount: Int { self.session.unconsumedByteCount }

    /// Bytes that were written and not yet sent, over all streams, without those held back by a negotiation.
    package var queuedByteCount: Int { self.session.queuedByteCount }

    /// Opens a stream for the first of `protocols` that the peer supports. With one protocol nothing waits for the
    /// peer's answer: what is written at once goes out in the same flight. May be called before the connection is
    /// established; everything then follows the handshake's last message at once.
    ///
    /// - Parameters:
    ///   - protocols: at least one; each at most ``Multistream/maximumProtocolBytes`` long.
    ///   - nowMilliseconds: the time.
    /// - Returns: the stream's name.
    /// - Throws: ``StreamOpenFailure``.
    package mutating func openStream(
        protocols: [String], nowMilliseconds: UInt64
    ) throws(StreamOpenFailure) -> StreamID {
        guard self.phase != .closed else { throw .connectionEnding }
        let id = try self.session.open()
        let dialer = MultistreamDialer(proposals: protocols)
        // The opening is far smaller than the send buffer, which is empty.
        _ = self.session.write(dialer.opening[...], to: id)
        self.beginNegotiation(.proposing(dialer), id, isHolding: protocols.count > 1, nowMilliseconds: nowMilliseconds)
        return id
    }

    /// Writes bytes to a stream and says how many were taken: all, or what the stream's send buffer had room for. After
    /// fewer than all, ``ConnectionEffect/writable(_:)`` follows: write the rest then. A stream that is over or finished
    /// takes none. Large slices are kept without a copy until they are sent.
    package mutating func write(_ bytes: ArraySlice<UInt8>, to id: StreamID) -> Int {
        if !self.negotiations.isEmpty, let isHolding = self.negotiations[id]?.isHolding, isHolding {
            return self.hold(bytes, id)
        }
        return self.session.write(bytes, to: id)
    }

    /// Says that nothing more will be written to the stream. What was written is still sent.
    package mutating func finish(_ id: StreamID) {
        if let isHolding = self.negotiations[id]?.isHolding, isHolding {
            self.negotiations[id]?.isFinishHeld = true
        } else {
            self.session.finish(id)
        }
    }

    /// Ends a stream at once in both directions; what was not sent is dropped. Also the way to let go of a stream whose
    /// data nobody will read any more. No effect follows.
    package mutating func reset(_ id: StreamID) {
        self.negotiations[id] = nil
        self.session.reset(id)
    }

    /// Says that the application took bytes of a stream, no more than came and were not yet reported. A stream that is
    /// over is ignored.
    package mutating func consumed(_ byteCount: Int, on id: StreamID, nowMilliseconds: UInt64) {
        self.session.consumed(byteCount, on: id, nowMilliseconds: nowMilliseconds)
    }

    /// Ends the connection, telling the peer. What was written and not yet sent is lost: finish the streams and wait for
    /// the peer to do so if it matters.
    package mutating func close(effects: inout [ConnectionEffect]) {
        self.end(.closedLocally, farewell: .normal, effects: &effects)
    }

    /// Tells the peer to open no more streams, and refuses those that it opens all the same. Streams that are open go on.
    /// Opening one here fails from now on.
    package mutating func refuseNewStreams() { self.session.sayFarewell(.normal) }

    /// Says that the transport ended or broke.
    package mutating func transportEnded(effects: inout [ConnectionEffect]) {
        self.end(.transportEnded, farewell: nil, effects: &effects)
    }
}

extension ConnectionMachine {
    /// Ends the connection once, with a last message to the peer if there is a session to say it in.
    mutating func end(_ reason: ConnectionEnd, farewell: YamuxGoAway?, effects: inout [ConnectionEffect]) {
        guard self.phase != .closed else { return }
        if self.phase == .open, let farewell {
            var frame: [UInt8] = []
            YamuxHeader(.goAway, length: farewell.rawValue).append(to: &frame)
            self.transport?.seal(frame, appendingTo: &self.outbound)
        }
        self.phase = .closed
        self.negotiations.removeAll()
        self.negotiationDeadlines.removeAll()
        self.inbound = []
        effects.append(.closed(reason))
    }

    mutating func beginNegotiation(
        _ side: StreamNegotiation.Side, _ id: StreamID, isHolding: Bool, nowMilliseconds: UInt64
    ) {
        // A stream may be opened while the handshake still takes its time.
        let start = self.phase == .open ? nowMilliseconds : self.handshakeDeadlineMilliseconds
        let deadline = start + self.configuration.negotiationTimeoutMilliseconds
        while let oldest = self.negotiationDeadlines.first, self.negotiations[oldest.id] == nil {
            self.negotiationDeadlines.removeFirst()
        }
        self.negotiations[id] = StreamNegotiation(side: side, deadlineMilliseconds: deadline, isHolding: isHolding)
        self.negotiationDeadlines.append((deadline, id))
    }

    private mutating func hold(_ bytes: ArraySlice<UInt8>, _ id: StreamID) -> Int {
        guard var negotiation = self.negotiations[id], !negotiation.isFinishHeld else { return 0 }
        self.negotiations[id] = nil  // So that the queue is changed in place.
        let room = self.configuration.yamux.sendBufferBytes - negotiation.held.count
        let taken = bytes.prefix(max(room, 0))
        negotiation.held.append(taken)
        if taken.count < bytes.count { negotiation.isWriterWaiting = true }
        self.negotiations[id] = negotiation
        return taken.count
    }
}
