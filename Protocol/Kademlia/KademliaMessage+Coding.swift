import Identity
import SwiftProtobuf
import Wire

/// Why bytes are no message of the table. Whoever reads it resets the stream.
package enum KademliaMessageError: Error, Hashable, Sendable, CustomStringConvertible {
    case tooLong(byteCount: Int)
    case malformed
    case unknownType(Int)
    case missingRecord
    case otherKey
    case keyLength(Int)

    package var description: String {
        switch self {
        case .tooLong(let count): "a message of \(count) bytes is over the limit"
        case .malformed: "the bytes are no message of the table"
        case .unknownType(let type): "no request has the type \(type)"
        case .missingRecord: "a put has no record"
        case .otherKey: "the record has another key than its message"
        case .keyLength(let count): "a key of \(count) bytes is not allowed"
        }
    }
}

extension KademliaRequest {
    /// Reads a message without its length prefix.
    package init(message bytes: [UInt8]) throws(KademliaMessageError) {
        let message = try decodeMessage(bytes)
        guard let kind = Kind(rawValue: message.type.rawValue) else { throw .unknownType(message.type.rawValue) }
        let key = [UInt8](message.key)
        let limit =
            kind == .addProvider || kind == .getProviders
            ? KademliaLimits.maximumProviderKeyByteCount : KademliaLimits.maximumKeyByteCount
        guard kind == .ping || (1...limit).contains(key.count) else { throw .keyLength(key.count) }
        switch kind {
        case .putValue:
            guard message.hasRecord else { throw .missingRecord }
            guard message.record.key == message.key else { throw .otherKey }
            self = .putValue(ValueRecord(key: key, value: [UInt8](message.record.value)))
        case .getValue: self = .getValue(key: key)
        case .addProvider:
            let providers = message.providerPeers.prefix(Self.maximumProvidersRead).compactMap(PeerContact.init)
            self = .addProvider(key: key, providers: providers)
        case .getProviders: self = .getProviders(key: key)
        case .findNode: self = .findNode(key: key)
        case .ping: self = .ping
        }
    }

    /// Entries of an ADD_PROVIDER that are looked at.
    package static let maximumProvidersRead = 16

    /// The message without its length prefix. Provider lists are shortened until it fits ``KademliaLimits/maximumAnswerByteCount``.
    package var message: [UInt8] {
        switch self {
        case .putValue(let record): KademliaAnswer(kind: .putValue, key: record.key, record: record).message
        case .addProvider(let key, let providers):
            KademliaAnswer(kind: .addProvider, key: key, providers: providers).message
        case .getValue(let key), .getProviders(let key), .findNode(let key):
            KademliaAnswer(kind: self.kind, key: key).message
        case .ping: KademliaAnswer(kind: .ping).message
        }
    }
}

extension KademliaAnswer {
    /// Reads a message without its length prefix. Of each list the first 512 entries are read.
    package init(message bytes: [UInt8]) throws(KademliaMessageError) {
        let message = try decodeMessage(bytes)
        guard let kind = KademliaRequest.Kind(rawValue: message.type.rawValue) else {
            throw .unknownType(message.type.rawValue)
        }
        self.init(kind: kind, key: [UInt8](message.key))
        if message.hasRecord {
            self.record = ValueRecord(key: [UInt8](message.record.key), value: [UInt8](message.record.value))
        }
        self.closerPeers = message.closerPeers.prefix(Self.maximumPeersRead).compactMap(PeerContact.init)
        self.providers = message.providerPeers.prefix(Self.maximumPeersRead).compactMap(PeerContact.init)
    }

    /// Entries of one list of an answer that are looked at.
    package static let maximumPeersRead = 512

    /// The message without its length prefix, at most ``KademliaLimits/maximumAnswerByteCount`` bytes: the closest
    /// peers that fit into ``KademliaLimits/closerPeersByteCount``, then providers, then further closer peers.
    package var message: [UInt8] {
        var message = KademliaMessage()
        message.type = KademliaMessage.MessageType(rawValue: self.kind.rawValue) ?? .ping
        message.key = self.key.data
        if let record = self.record {
            message.record = KademliaMessage.Record()
            message.record.key = record.key.data
            message.record.value = record.value.data
        }
        var room = KademliaLimits.maximumAnswerByteCount - Wire.encode(message).count
        var closer = self.closerPeers[...]
        message.closerPeers = Self.take(from: &closer, room: min(room, KademliaLimits.closerPeersByteCount), of: &room)
        var providers = self.providers[...]
        message.providerPeers = Self.take(from: &providers, room: room, of: &room)
        message.closerPeers += Self.take(from: &closer, room: room, of: &room)
        return Wire.encode(message)
    }

    /// Takes the first contacts that fit into `room` bytes, which are taken off `total`.
    private static func take(
        from contacts: inout ArraySlice<PeerContact>, room: Int, of total: inout Int
    ) -> [KademliaMessage.Peer] {
        var peers: [KademliaMessage.Peer] = []
        var room = room
        while let contact = contacts.first {
            let peer = KademliaMessage.Peer(contact)
            // A field number below 16 takes one byte, a length below 16,384 at most two.
            let byteCount = 3 + Wire.encode(peer).count
            guard byteCount <= room else { break }
            room -= byteCount
            total -= byteCount
            peers.append(peer)
            contacts.removeFirst()
        }
        return peers
    }
}

private func decodeMessage(_ bytes: [UInt8]) throws(KademliaMessageError) -> KademliaMessage {
    guard bytes.count <= KademliaLimits.maximumMessageByteCount else { throw .tooLong(byteCount: bytes.count) }
    do {
        return try Wire.decode(KademliaMessage.self, bytes, limit: KademliaLimits.maximumMessageByteCount)
    } catch {
        throw .malformed
    }
}

extension PeerContact {
    /// Reads an entry: nil when its id is none; addresses that are malformed, unknown or too long are skipped.
    fileprivate init?(_ peer: KademliaMessage.Peer) {
        guard let id = try? PeerID(bytes: [UInt8](peer.id)) else { return nil }
        var addresses: [Multiaddr] = []
        for bytes in peer.addrs.prefix(KademliaLimits.maximumAddressesRead) {
            guard bytes.count <= KademliaLimits.maximumAddressByteCount else { continue }
            guard let address = try? Multiaddr(bytes: [UInt8](bytes)) else { continue }
            addresses.append(address)
        }
        self.init(id: id, addresses: addresses)
    }
}

extension KademliaMessage.Peer {
    fileprivate init(_ contact: PeerContact) {
        self.init()
        self.id = contact.id.bytes.data
        self.addrs = contact.addresses.map(\.bytes.data)
    }
}
