package import Identity
import SwiftProtobuf
package import Wire

/// What a node says about itself (Specs/records.md, section 4). Never names a worker, a subscription or a caller.
package struct NodeDescriptor: Sendable, Hashable {
    /// The most addresses.
    package static let maximumAddresses = 16
    /// The longest address, in bytes.
    package static let maximumAddressBytes = 128
    /// The longest version, in bytes.
    package static let maximumVersionBytes = 64

    package var peer: PeerID
    package var addresses: [Multiaddr]
    /// The agent's name and version, for people.
    package var agentVersion: String
    package var sequence: UInt64
    /// Wall time, in milliseconds since 1970.
    package var issued: UInt64
    /// Wall time, in milliseconds since 1970.
    package var expires: UInt64

    package init(
        peer: PeerID, addresses: [Multiaddr], agentVersion: String, sequence: UInt64, issued: UInt64, expires: UInt64
    ) {
        self.peer = peer
        self.addresses = addresses
        self.agentVersion = agentVersion
        self.sequence = sequence
        self.issued = issued
        self.expires = expires
    }
}

extension NodeDescriptor: RecordContent {
    package static let domain = SigningDomain(record: "dsmp-node-descriptor/1")
    package static let maximumEnvelopeBytes = 2_048
    /// 7 days.
    package static let maximumLifetimeMilliseconds: UInt64 = 604_800_000

    package var signer: PeerID { self.peer }

    package var payload: [UInt8] {
        var message = NodeDescriptorMessage()
        message.peer = self.peer.bytes.data
        message.addresses = self.addresses.map { $0.bytes.data }
        message.agentVersion = self.agentVersion
        message.sequence = self.sequence
        message.issued = self.issued
        message.expires = self.expires
        return encode(message)
    }

    package init(payload: [UInt8]) throws(RecordRefusal) {
        let message = try decodeRecord(NodeDescriptorMessage.self, payload, limit: Self.maximumEnvelopeBytes)
        guard message.addresses.count <= Self.maximumAddresses else {
            throw .malformed("there are more than \(Self.maximumAddresses) addresses")
        }
        var addresses: [Multiaddr] = []
        for bytes in message.addresses {
            guard let address = try? Multiaddr(bytes: [UInt8](bytes)) else {
                throw .malformed("an address is not a multiaddr")
            }
            addresses.append(address)
        }
        self.init(
            peer: try PeerID(recordBytes: [UInt8](message.peer)), addresses: addresses,
            agentVersion: message.agentVersion, sequence: message.sequence, issued: message.issued,
            expires: message.expires)
        try self.checkBounds()
    }

    package func checkBounds() throws(RecordRefusal) {
        guard self.addresses.count <= Self.maximumAddresses,
            self.addresses.allSatisfy({ $0.bytes.count <= Self.maximumAddressBytes })
        else {
            throw .malformed("there are too many addresses, or one is over \(Self.maximumAddressBytes) bytes")
        }
        guard WorkerText.isPrintable(self.agentVersion, limit: Self.maximumVersionBytes) else {
            throw .malformed("the agent's version is too long or has control characters")
        }
    }
}
