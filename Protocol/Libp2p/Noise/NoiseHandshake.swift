package import Cryptography
package import Identity

/// How a connection came about, and whom the dialer means to reach.
package enum ConnectionRole: Equatable, Sendable {
    /// We dialled. Another peer than the expected one is refused; nil takes whoever answers.
    case dialer(expected: PeerID?)
    /// The peer dialled.
    case listener
}

/// The libp2p handshake over Noise XX (libp2p specs, noise/README.md; Specs/libp2p.md, section 4): who the peer is, the
/// keys of the channel, and the muxer when both name theirs. Messages are without the length in front.
package struct NoiseHandshake: ~Copyable {
    /// The longest handshake message that is accepted, in bytes. Noise allows 65,535; an honest one has some hundreds.
    package static let maximumMessageBytes = 16_384

    /// What a finished handshake gives.
    package struct Outcome: Equatable, Sendable {
        package let publicKey: PublicKey
        package let peerID: PeerID
        /// The muxer that both sides named; nil when the peer named none and it is negotiated.
        package let muxer: String?
        package let sendingKey: [UInt8]
        package let receivingKey: [UInt8]
        /// Equal on both sides and unique to the connection.
        package let handshakeHash: [UInt8]
    }

    private let role: ConnectionRole
    private let credentials: NoiseCredentials
    private var exchange: NoiseXX

    /// Begins a handshake with an ephemeral key that is used in no other.
    package init(role: ConnectionRole, credentials: NoiseCredentials, ephemeralKey: consuming KeyAgreementKey) {
        self.role = role
        self.credentials = credentials
        self.exchange = NoiseXX(isInitiator: role != .listener, ephemeralKey: ephemeralKey)
    }

    /// The dialer's first message.
    ///
    /// - Throws: ``NoiseFailure/unsafeKey``, which this message cannot cause.
    package mutating func start() throws(NoiseFailure) -> [UInt8] { try self.write(payload: []) }

    /// Takes the peer's next message.
    ///
    /// - Returns: our next message, if one is due, and the outcome, if that was the last one. An outcome comes with the
    ///   peer's identity verified.
    /// - Throws: ``NoiseFailure``; the connection must be closed then.
    package mutating func receive(
        _ message: ArraySlice<UInt8>
    ) throws(NoiseFailure) -> (reply: [UInt8]?, outcome: Outcome?) {
        guard message.count <= Self.maximumMessageBytes else { throw .messageTooLong(byteCount: message.count) }
        guard !self.exchange.isFinished, !self.exchange.isOurTurn else {
            throw .authenticationFailed(message: 0)
        }
        let payload = try self.exchange.readMessage(message, staticKey: self.credentials.staticKey)
        if self.role == .listener, !self.exchange.isFinished {
            // A payload of the first message is neither secret nor authentic, and libp2p gives it no meaning.
            return (try self.write(payload: self.credentials.payload), nil)
        }
        let peer = try NoisePayload(decoding: payload)
        let publicKey = try peer.verifiedKey(staticKey: self.exchange.peerStaticKey)
        let peerID = PeerID(publicKey)
        guard peerID != self.credentials.peerID else { throw .ownIdentity }
        if case .dialer(let expected?) = self.role, expected != peerID {
            throw .wrongPeer(expected: expected, found: peerID)
        }
        let muxer = try self.commonMuxer(peer.muxers)
        let reply = self.exchange.isFinished ? nil : try self.write(payload: self.credentials.payload)
        let keys = self.exchange.split()
        let outcome = Outcome(
            publicKey: publicKey, peerID: peerID, muxer: muxer, sendingKey: keys.sending,
            receivingKey: keys.receiving, handshakeHash: self.exchange.handshakeHash)
        return (reply, outcome)
    }

    private mutating func write(payload: [UInt8]) throws(NoiseFailure) -> [UInt8] {
        do { return try self.exchange.writeMessage(payload: payload, staticKey: self.credentials.staticKey) } catch {
            throw .unsafeKey
        }
    }

    /// The first muxer of the initiator's list that the responder has too (libp2p specs,
    /// connections/inlined-muxer-negotiation.md).
    private func commonMuxer(_ offered: [String]) throws(NoiseFailure) -> String? {
        let ours = self.credentials.muxers
        guard !offered.isEmpty, !ours.isEmpty else { return nil }
        let (first, second) = self.role == .listener ? (offered, ours) : (ours, offered)
        guard let common = first.first(where: second.contains) else {
            throw .noCommonMuxer(offered.prefix(8).map { String($0.prefix(64)) })
        }
        return common
    }
}
