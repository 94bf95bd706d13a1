/// What one peer asks another (Specs/kademlia.md, section 2).
package enum KademliaRequest: Hashable, Sendable {
    case putValue(ValueRecord)
    case getValue(key: [UInt8])
    case addProvider(key: [UInt8], providers: [PeerContact])
    case getProviders(key: [UInt8])
    case findNode(key: [UInt8])
    case ping

    /// The type of a message, by its number on the wire.
    package enum Kind: Int, Hashable, Sendable {
        case putValue = 0
        case getValue, addProvider, getProviders, findNode, ping
    }

    /// The type of the message.
    package var kind: Kind {
        switch self {
        case .putValue: .putValue
        case .getValue: .getValue
        case .addProvider: .addProvider
        case .getProviders: .getProviders
        case .findNode: .findNode
        case .ping: .ping
        }
    }

    /// The key that is asked about, empty for a ping.
    package var key: [UInt8] {
        switch self {
        case .putValue(let record): record.key
        case .getValue(let key), .addProvider(let key, _), .getProviders(let key), .findNode(let key): key
        case .ping: []
        }
    }

    /// False for the one request that is not answered.
    package var expectsAnswer: Bool { self.kind != .addProvider }
}

/// What a peer answers (Specs/kademlia.md, section 2).
package struct KademliaAnswer: Hashable, Sendable {
    /// The type, which must be that of the request.
    package var kind: KademliaRequest.Kind
    /// The key, which must be that of the request or absent (empty).
    package var key: [UInt8]
    /// The value held, or the one that was stored.
    package var record: ValueRecord?
    /// Peers closer to the key, closest first.
    package var closerPeers: [PeerContact]
    /// Peers that provide the key.
    package var providers: [PeerContact]

    package init(
        kind: KademliaRequest.Kind, key: [UInt8] = [], record: ValueRecord? = nil, closerPeers: [PeerContact] = [],
        providers: [PeerContact] = []
    ) {
        self.kind = kind
        self.key = key
        self.record = record
        self.closerPeers = closerPeers
        self.providers = providers
    }

    /// Whether this can be the answer to a request: the same type, the same key if it names one, and no record of another key.
    package func answers(_ request: KademliaRequest) -> Bool {
        guard self.kind == request.kind, self.key.isEmpty || self.key == request.key else { return false }
        guard let record = self.record else { return true }
        return record.key == request.key
    }
}
