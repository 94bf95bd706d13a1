internal import Foundation
internal import Identity
internal import Kademlia
internal import Wire

/// The addresses of a contact in one column: each multiaddr after its length.
enum StoredAddresses {
    static func bytes(_ contact: PeerContact) -> Data {
        var bytes: [UInt8] = []
        for address in contact.addresses { bytes.appendLengthPrefixed(address.bytes) }
        return Data(bytes)
    }

    /// - Throws: when the row is damaged.
    static func contact(peer: Data, addresses: Data) throws -> PeerContact {
        var reader = ByteReader([UInt8](addresses))
        var list: [Multiaddr] = []
        while !reader.isAtEnd {
            list.append(
                try Multiaddr(bytes: Array(reader.lengthPrefixed(limit: KademliaLimits.maximumAddressByteCount))))
        }
        return PeerContact(id: try PeerID(bytes: [UInt8](peer)), addresses: list)
    }
}
