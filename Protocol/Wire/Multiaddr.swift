/// Where a peer can be reached, layer by layer: `/ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…` (multiformats/multiaddr).
///
/// Always valid: made only from checked bytes, text or parts. Two are equal when their bytes are.
package struct Multiaddr: Hashable, Sendable {
    /// The longest binary form, in bytes.
    package static let maximumByteCount = 1024
    /// The greatest number of layers.
    package static let maximumComponentCount = 16
    /// The longest domain name, in characters (RFC 1035, section 2.3.4).
    package static let maximumNameCharacterCount = 253

    /// One layer.
    package enum Component: Hashable, Sendable {
        case ip4(UInt32)
        case ip6(high: UInt64, low: UInt64)
        case tcp(UInt16)
        case udp(UInt16)
        /// A domain name with addresses of either version.
        case dns(String)
        case dns4(String)
        case dns6(String)
        /// A domain name whose TXT records hold multiaddrs.
        case dnsaddr(String)
        /// A peer id in binary form.
        case p2p(Multihash)
        case p2pCircuit
        /// A Unix socket by its path. Always the last layer.
        case unix(String)
        case tls
        case quicV1
        case ws
    }

    /// The binary form.
    package let bytes: [UInt8]

    init(uncheckedBytes bytes: [UInt8]) { self.bytes = bytes }

    /// Joins layers.
    ///
    /// - Throws: ``WireError/overLimit(value:limit:)`` for too many or too long ones, ``WireError/malformed(_:)`` for
    ///   none, for a name that is none, and for a layer behind a Unix path.
    package init(_ components: [Component]) throws(WireError) {
        var bytes: [UInt8] = []
        for component in components { component.append(to: &bytes) }
        try self.init(bytes: bytes)
    }

    /// Reads the binary form, which must be all of `bytes`.
    ///
    /// - Throws: ``WireError/unsupported(_:)`` for a layer of an unknown kind (its length cannot be known), else a
    ///   ``WireError`` for a malformed address or one over the bounds.
    package init(bytes: [UInt8]) throws(WireError) {
        _ = try Self.components(of: bytes[...])
        self.bytes = bytes
    }

    /// The layers, outermost first. Decoded at each use.
    package var components: [Component] {
        guard let components = try? Self.components(of: self.bytes[...]) else {
            preconditionFailure("a multiaddr was made from bytes that were not checked")
        }
        return components
    }

    /// An IP address and a TCP port.
    package init(tcp endpoint: SocketEndpoint) {
        var bytes: [UInt8] = []
        Component(endpoint.address).append(to: &bytes)
        Component.tcp(endpoint.port).append(to: &bytes)
        self.bytes = bytes
    }

    /// The IP address and TCP port, when these are the first layers and only the peer's id follows.
    package var tcpEndpoint: SocketEndpoint? {
        let components = self.components
        guard components.count >= 2, case .tcp(let port) = components[1] else { return nil }
        guard Self.isPeerOnly(components.dropFirst(2)), let address = components[0].address else { return nil }
        return SocketEndpoint(address, port: port)
    }

    /// The domain name and TCP port, when these are the first layers and only the peer's id follows.
    package var tcpName: (name: String, port: UInt16)? {
        let components = self.components
        guard components.count >= 2, case .tcp(let port) = components[1] else { return nil }
        guard Self.isPeerOnly(components.dropFirst(2)) else { return nil }
        return switch components[0] {
        case .dns(let name), .dns4(let name), .dns6(let name): (name, port)
        default: nil
        }
    }

    /// The IP address in the first layer.
    package var address: IPAddress? { self.components.first?.address }

    /// The binary form of the peer id in the last layer, which is the peer that is reached.
    package var peerIDBytes: [UInt8]? {
        guard case .p2p(let multihash)? = self.components.last else { return nil }
        return multihash.bytes
    }

    /// True when a relay carries the connection.
    package var isRelayed: Bool { self.components.contains(.p2pCircuit) }

    /// This address with one more layer.
    ///
    /// - Throws: as ``init(_:)-([Component])``.
    package func appending(_ component: Component) throws(WireError) -> Multiaddr {
        var bytes = self.bytes
        component.append(to: &bytes)
        return try Multiaddr(bytes: bytes)
    }

    /// This address without the peer id in its last layer. Nil when nothing else is left.
    package var withoutPeerID: Multiaddr? {
        guard case .p2p(let multihash)? = self.components.last else { return self }
        var layer: [UInt8] = []
        Component.p2p(multihash).append(to: &layer)
        guard layer.count < self.bytes.count else { return nil }
        return Multiaddr(uncheckedBytes: Array(self.bytes.dropLast(layer.count)))
    }

    private static func isPeerOnly(_ components: ArraySlice<Component>) -> Bool {
        switch components.first {
        case nil: true
        case .p2p: components.count == 1
        default: false
        }
    }
}

extension Multiaddr.Component {
    /// The layer of an IP address.
    package init(_ address: IPAddress) {
        switch address {
        case .v4(let value): self = .ip4(value)
        case .v6(let high, let low): self = .ip6(high: high, low: low)
        }
    }

    /// The IP address of this layer.
    package var address: IPAddress? {
        switch self {
        case .ip4(let value): .v4(value)
        case .ip6(let high, let low): .v6(high: high, low: low)
        default: nil
        }
    }
}
