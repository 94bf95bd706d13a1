import Identity
import Wire

/// How a raw transport becomes a secure connection with a muxer (Specs/libp2p.md, sections 2 to 4).
extension ConnectionMachine {
    private static let securityProtocol = "/noise"

    /// Makes the dialer's first flight. There is one secure channel to propose, so its first message goes along and a
    /// round trip is saved.
    mutating func beginDialing() {
        let dialer = MultistreamDialer(proposals: [Self.securityProtocol])
        self.outbound += dialer.opening
        self.dialer = dialer
        guard let message = try? self.handshake.start() else {
            preconditionFailure("the first handshake message needs nothing of the peer")
        }
        self.appendHandshakeMessage(message)
    }

    /// Takes in bytes of the transport, cut anywhere.
    package mutating func receive(_ bytes: RawSpan, nowMilliseconds: UInt64, effects: inout [ConnectionEffect]) {
        switch self.phase {
        case .closed: return
        case .open, .choosingMuxer:
            self.receiveEncrypted(bytes, nowMilliseconds: nowMilliseconds, effects: &effects)
        case .securing, .shakingHands:
            bytes.withUnsafeBytes { self.inbound.append(contentsOf: $0) }
            self.advanceUpgrade(nowMilliseconds: nowMilliseconds, effects: &effects)
        }
    }

    private mutating func advanceUpgrade(nowMilliseconds: UInt64, effects: inout [ConnectionEffect]) {
        var rest = self.inbound[...]
        do {
            if self.phase == .securing, try self.negotiate([Self.securityProtocol], &rest, sealed: false) {
                self.phase = .shakingHands
            }
            while self.phase == .shakingHands, let message = try Self.takeHandshakeMessage(&rest) {
                try self.shakeHands(message, nowMilliseconds: nowMilliseconds, effects: &effects)
            }
        } catch let failure as MultistreamFailure {
            return self.end(.negotiationFailed(failure), farewell: nil, effects: &effects)
        } catch let failure as NoiseFailure {
            return self.end(.secureChannelFailed(failure), farewell: nil, effects: &effects)
        } catch {
            preconditionFailure("the upgrade of a connection has no other failures: \(error)")
        }
        self.inbound = Array(rest)
        guard self.phase == .open || self.phase == .choosingMuxer, !self.inbound.isEmpty else { return }
        let sealed = self.inbound
        self.inbound = []
        self.receiveEncrypted(sealed.span.bytes, nowMilliseconds: nowMilliseconds, effects: &effects)
    }

    /// One step of agreeing on the secure channel or the muxer. True when that is done.
    private mutating func negotiate(
        _ protocols: Set<String>, _ bytes: inout ArraySlice<UInt8>, sealed: Bool
    ) throws(MultistreamFailure) -> Bool {
        var reply: [UInt8] = []
        let agreed: String?
        if self.role == .listener {
            agreed = try self.listener.receive(&bytes, supported: protocols, reply: &reply)
        } else {
            agreed = try self.dialer?.receive(&bytes, reply: &reply)
        }
        if !reply.isEmpty {
            if sealed { self.transport?.seal(reply, appendingTo: &self.outbound) } else { self.outbound += reply }
        }
        return agreed != nil
    }

    /// A complete message behind its length, off the front of `bytes`; nil when there is none.
    private static func takeHandshakeMessage(
        _ bytes: inout ArraySlice<UInt8>
    ) throws(NoiseFailure) -> ArraySlice<UInt8>? {
        guard bytes.count >= 2 else { return nil }
        let length = Int(bytes[bytes.startIndex]) << 8 | Int(bytes[bytes.startIndex + 1])
        guard length <= NoiseHandshake.maximumMessageBytes else { throw .messageTooLong(byteCount: length) }
        guard bytes.count >= 2 + length else { return nil }
        defer { bytes = bytes.dropFirst(2 + length) }
        return bytes.dropFirst(2).prefix(length)
    }

    private mutating func appendHandshakeMessage(_ message: [UInt8]) {
        // Ours have some hundreds of bytes.
        self.outbound.appendBigEndian(UInt16(message.count))
        self.outbound += message
    }

    private mutating func shakeHands(
        _ message: ArraySlice<UInt8>, nowMilliseconds: UInt64, effects: inout [ConnectionEffect]
    ) throws(NoiseFailure) {
        let (reply, outcome) = try self.handshake.receive(message)
        if let reply { self.appendHandshakeMessage(reply) }
        guard let outcome else { return }
        self.transport = NoiseTransport(sendingKey: outcome.sendingKey, receivingKey: outcome.receivingKey)
        self.peer = outcome.peerID
        self.publicKey = outcome.publicKey
        if outcome.muxer != nil {
            self.open(nowMilliseconds: nowMilliseconds, effects: &effects)
            return
        }
        // The peer named no muxer in the handshake: it is negotiated inside the channel.
        self.phase = .choosingMuxer
        self.listener = MultistreamListener()
        guard self.role != .listener else { return }
        let dialer = MultistreamDialer(proposals: NoiseCredentials.muxers)
        self.dialer = dialer
        self.transport?.seal(dialer.opening, appendingTo: &self.outbound)
    }

    private mutating func open(nowMilliseconds: UInt64, effects: inout [ConnectionEffect]) {
        guard let peer = self.peer, let publicKey = self.publicKey else {
            preconditionFailure("a connection opens after its peer is known")
        }
        self.phase = .open
        self.dialer = nil
        effects.append(.established(peer: peer, publicKey: publicKey))
        // The first ping measures the round trip.
        _ = self.session.tick(nowMilliseconds: nowMilliseconds)
    }

    private mutating func receiveEncrypted(
        _ bytes: RawSpan, nowMilliseconds: UInt64, effects: inout [ConnectionEffect]
    ) {
        var offset = 0
        while self.phase != .closed {
            let record: [UInt8]?
            do { record = try self.transport?.next(bytes, at: &offset) } catch {
                return self.end(.secureChannelFailed(error), farewell: nil, effects: &effects)
            }
            guard let record else { return }
            var rest = record[...]
            if self.phase == .choosingMuxer {
                do {
                    guard try self.negotiate(Set(NoiseCredentials.muxers), &rest, sealed: true) else { continue }
                } catch {
                    return self.end(.negotiationFailed(error), farewell: nil, effects: &effects)
                }
                self.open(nowMilliseconds: nowMilliseconds, effects: &effects)
            }
            self.receiveFrames(
                rest, storageByteCount: record.count, nowMilliseconds: nowMilliseconds, effects: &effects)
        }
    }
}
