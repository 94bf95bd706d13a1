internal import Foundation
internal import Identity
internal import Kademlia
internal import Wire

/// The addresses of a peer in one column: each multiaddr after its length.
enum StoredAddresses {
    /// The longest text or address that is read back, in bytes.
    static let textLimit = 1_024

    static func bytes(_ addresses: [Multiaddr]) -> Data {
        var bytes: [UInt8] = []
        for address in addresses { bytes.appendLengthPrefixed(address.bytes) }
        return Data(bytes)
    }

    static func bytes(_ contact: PeerContact) -> Data { self.bytes(contact.addresses) }

    /// - Throws: when the column is damaged.
    static func list(_ column: Data) throws -> [Multiaddr] {
        var reader = ByteReader([UInt8](column))
        var list: [Multiaddr] = []
        while !reader.isAtEnd {
            list.append(try Multiaddr(bytes: Array(reader.lengthPrefixed(limit: Self.textLimit))))
        }
        return list
    }

    /// - Throws: when a column is damaged.
    static func contact(peer: Data, addresses: Data) throws -> PeerContact {
        PeerContact(id: try PeerID(bytes: [UInt8](peer)), addresses: try self.list(addresses))
    }
}
