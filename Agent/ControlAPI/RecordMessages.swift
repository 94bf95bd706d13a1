/// Names a DHT record.
package struct RecordRequest: Sendable, Hashable, Codable {
    /// `/<namespace>/<rest>`.
    package var key: String

    package init(key: String) {
        self.key = key
    }
}

package struct PutRecordRequest: Sendable, Hashable, Codable {
    package var key: String
    package var value: Base64Bytes

    package init(key: String, value: Base64Bytes) {
        self.key = key
        self.value = value
    }
}

package struct RecordReply: Sendable, Hashable, Codable {
    package var key: String
    package var value: Base64Bytes
    /// How many peers returned it, or took it.
    package var peers: Int

    package init(key: String, value: Base64Bytes, peers: Int) {
        self.key = key
        self.value = value
        self.peers = peers
    }
}

/// Names content that peers provide.
package struct ContentRequest: Sendable, Hashable, Codable {
    package var cid: String

    package init(cid: String) {
        self.cid = cid
    }
}

/// Who says that it provides the content: a hint, never an authority.
package struct ProvidersReply: Sendable, Hashable, Codable {
    package var cid: String
    package var providers: [PeerReply]
    /// How many peers took the announcement; 0 for a question.
    package var announced: Int

    package init(cid: String, providers: [PeerReply], announced: Int = 0) {
        self.cid = cid
        self.providers = providers
        self.announced = announced
    }
}

package struct PeerRequest: Sendable, Hashable, Codable {
    package var peer: String

    package init(peer: String) {
        self.peer = peer
    }
}

package struct PeerReply: Sendable, Hashable, Codable {
    package var peerID: String
    package var addresses: [String]

    package init(peerID: String, addresses: [String]) {
        self.peerID = peerID
        self.addresses = addresses
    }
}
