package import Identity
package import Wire

/// What a peer says about itself (libp2p specs, identify/README.md; Specs/libp2p.md, section 6). All of it is a claim,
/// except the addresses in ``record``, which the peer signed.
///
/// In a push a field that is absent is unchanged: see ``update(with:)``.
package struct PeerDescription: Equatable, Sendable {
    /// The protocol by which a peer asks: the answer is one message, then the end of the stream.
    package static let protocolID = "/ipfs/id/1.0.0"
    /// The protocol by which a peer tells that something changed.
    package static let pushProtocolID = "/ipfs/id/push/1.0.0"
    /// The longest message that we send, in bytes: some peers refuse longer ones.
    package static let maximumSentBytes = 4096
    /// The longest message that is accepted, in bytes.
    package static let maximumReceivedBytes = 8192
    /// The most messages on one stream, which are merged.
    package static let maximumMessageCount = 10
    package static let maximumProtocolCount = 1024
    package static let maximumAddressCount = 500
    /// The addresses that are kept of those that came.
    package static let keptAddressCount = 64
    /// The longest version text that is kept, in characters.
    package static let keptVersionCharacterCount = 128

    /// Nil when it is absent or not the key of the peer at the other end.
    package var publicKey: PublicKey?
    /// Where the peer says that it listens; nil when it says nothing about it.
    package var listenAddresses: [Multiaddr]?
    /// The protocols that the peer serves; nil when it says nothing about them.
    package var protocols: [String]?
    /// How the peer sees us.
    package var observedAddress: Multiaddr?
    package var protocolVersion: String?
    package var agentVersion: String?
    /// The peer's signed addresses; nil when they are absent or not valid for the peer at the other end.
    package var record: PeerRecord?

    package init(
        publicKey: PublicKey? = nil, listenAddresses: [Multiaddr]? = nil, protocols: [String]? = nil,
        observedAddress: Multiaddr? = nil, protocolVersion: String? = nil, agentVersion: String? = nil
    ) {
        self.publicKey = publicKey
        self.listenAddresses = listenAddresses
        self.protocols = protocols
        self.observedAddress = observedAddress
        self.protocolVersion = protocolVersion
        self.agentVersion = agentVersion
    }

    /// Takes over what a push says.
    package mutating func update(with push: PeerDescription) {
        self.publicKey = push.publicKey ?? self.publicKey
        self.listenAddresses = push.listenAddresses ?? self.listenAddresses
        self.protocols = push.protocols ?? self.protocols
        self.observedAddress = push.observedAddress ?? self.observedAddress
        self.protocolVersion = push.protocolVersion ?? self.protocolVersion
        self.agentVersion = push.agentVersion ?? self.agentVersion
        self.record = push.record ?? self.record
    }

    /// The message behind its length, at most ``maximumSentBytes`` without it. What is too much is left out: addresses
    /// from the end of the list, then the signed record, then protocols from the end. `envelope` is our signed record in
    /// binary form; it replaces ``record``.
    package func encoded(signedRecord envelope: [UInt8]? = nil) -> [UInt8] {
        var message = IdentifyMessage()
        if let publicKey = self.publicKey { message.publicKey = publicKey.protobuf.data }
        message.listenAddrs = (self.listenAddresses ?? []).map { $0.bytes.data }
        message.protocols = self.protocols ?? []
        if let observedAddress = self.observedAddress { message.observedAddr = observedAddress.bytes.data }
        if let protocolVersion = self.protocolVersion { message.protocolVersion = protocolVersion }
        if let agentVersion = self.agentVersion { message.agentVersion = agentVersion }
        if let envelope { message.signedPeerRecord = envelope.data }
        var bytes = encode(message)
        while bytes.count > Self.maximumSentBytes {
            if message.listenAddrs.popLast() == nil {
                if message.hasSignedPeerRecord {
                    message.clearSignedPeerRecord()
                } else if message.protocols.popLast() == nil {
                    preconditionFailure("our own version texts are short")
                }
            }
            bytes = encode(message)
        }
        var output: [UInt8] = []
        output.appendLengthPrefixed(bytes)
        return output
    }
}

extension PeerDescription {
    /// Checks what came. Addresses that are not understood, a foreign key and a record that is not valid are left out.
    init(_ message: IdentifyMessage, from peer: PeerID) throws(IdentifyFailure) {
        guard message.protocols.count <= Self.maximumProtocolCount else {
            throw .tooManyProtocols(limit: Self.maximumProtocolCount)
        }
        guard message.listenAddrs.count <= Self.maximumAddressCount else {
            throw .tooManyAddresses(limit: Self.maximumAddressCount)
        }
        if message.hasPublicKey, let key = try? PublicKey(protobuf: Array(message.publicKey)), PeerID(key) == peer {
            self.publicKey = key
        }
        if !message.listenAddrs.isEmpty {
            let addresses = message.listenAddrs.lazy.compactMap { try? Multiaddr(bytes: Array($0)) }
            self.listenAddresses = Array(addresses.prefix(Self.keptAddressCount))
        }
        if !message.protocols.isEmpty {
            self.protocols = message.protocols.filter {
                (1...Multistream.maximumProtocolBytes).contains($0.utf8.count)
            }
        }
        if message.hasObservedAddr { self.observedAddress = try? Multiaddr(bytes: Array(message.observedAddr)) }
        if message.hasProtocolVersion { self.protocolVersion = Self.printable(message.protocolVersion) }
        if message.hasAgentVersion { self.agentVersion = Self.printable(message.agentVersion) }
        if message.hasSignedPeerRecord {
            self.record = try? PeerRecord(verifying: Array(message.signedPeerRecord), from: peer)
        }
    }

    /// The text without what could move a terminal's cursor, cut to ``keptVersionCharacterCount``.
    private static func printable(_ text: String) -> String {
        String(
            decoding: text.utf8.lazy.filter { (0x20...0x7e).contains($0) }.prefix(Self.keptVersionCharacterCount),
            as: UTF8.self)
    }
}
