package import Identity
package import Wire

/// A peer and where it is said to be. The addresses are hints from whoever named them; only a handshake proves them.
package struct PeerContact: Hashable, Sendable {
    /// Who.
    package let id: PeerID
    /// Where, most useful first, each once, at most ``KademliaLimits/maximumAddressesPerPeer``.
    package private(set) var addresses: [Multiaddr]

    /// A contact with the first addresses that fit the limits.
    package init(id: PeerID, addresses: [Multiaddr] = []) {
        self.id = id
        self.addresses = []
        self.add(addresses)
    }

    /// Adds addresses behind those known, as long as there is room.
    package mutating func add(_ others: [Multiaddr]) {
        for address in others where self.addresses.count < KademliaLimits.maximumAddressesPerPeer {
            guard address.bytes.count <= KademliaLimits.maximumAddressByteCount else { continue }
            if !self.addresses.contains(address) { self.addresses.append(address) }
        }
    }
}
