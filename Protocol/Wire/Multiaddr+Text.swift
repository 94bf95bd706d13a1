extension Multiaddr: CustomStringConvertible {
    /// Reads the text form. `/ipfs/` is read as `/p2p/`, its older name.
    ///
    /// - Throws: ``WireError/unsupported(_:)`` for a layer of an unknown kind, ``WireError/malformed(_:)`` with the part
    ///   that is wrong, ``WireError/overLimit(value:limit:)`` above the bounds.
    package init(_ text: some StringProtocol) throws(WireError) {
        guard text.utf8.count <= 4 * Self.maximumByteCount else {
            throw .overLimit(value: UInt64(text.utf8.count), limit: 4 * Self.maximumByteCount)
        }
        let slash = UInt8(ascii: "/")
        guard text.utf8.first == slash else {
            throw .malformed("a multiaddr starts with \"/\", as /ip4/127.0.0.1/tcp/4001")
        }
        // Cut in bytes: a slash and a mark that combines with it are one `Character`.
        var parts = Array(text.utf8).split(separator: slash, omittingEmptySubsequences: false).dropFirst()
            .map { String(decoding: $0, as: UTF8.self) }[...]
        if parts.last?.isEmpty == true { parts = parts.dropLast() }
        var components: [Component] = []
        while let name = parts.popFirst() {
            guard components.count < Self.maximumComponentCount else {
                throw .overLimit(value: UInt64(components.count + 1), limit: Self.maximumComponentCount)
            }
            if name == "unix" {
                components.append(.unix("/" + parts.joined(separator: "/")))
                parts = []
            } else if let bare = Self.bareComponent(name) {
                components.append(bare)
            } else {
                components.append(try Self.component(name, value: parts.popFirst()))
            }
        }
        try self.init(components)
    }

    /// The text form.
    package var description: String { self.components.map(\.description).joined() }

    private static func bareComponent(_ name: some StringProtocol) -> Component? {
        switch String(name) {
        case "p2p-circuit": .p2pCircuit
        case "tls": .tls
        case "quic-v1": .quicV1
        case "ws": .ws
        default: nil
        }
    }

    private static func component(
        _ name: some StringProtocol, value: (some StringProtocol)?
    ) throws(WireError) -> Component {
        let name = String(name)
        guard ["ip4", "ip6", "tcp", "udp", "dns", "dns4", "dns6", "dnsaddr", "p2p", "ipfs"].contains(name) else {
            throw .unsupported("the multiaddr layer \"\(name.prefix(32))\"")
        }
        guard let value else { throw .malformed("the multiaddr layer \"\(name)\" has no value") }
        switch name {
        case "ip4":
            guard case .v4(let address)? = IPAddress(value) else { throw Self.malformed(name, value) }
            return .ip4(address)
        case "ip6":
            guard case .v6(let high, let low)? = IPAddress(value) else { throw Self.malformed(name, value) }
            return .ip6(high: high, low: low)
        case "tcp": return .tcp(try Self.port(name, value))
        case "udp": return .udp(try Self.port(name, value))
        case "p2p", "ipfs": return .p2p(try Self.peer(value))
        default:
            let domain = String(value)
            guard Component.isName(domain) else { throw Self.malformed(name, value) }
            return switch name {
            case "dns": .dns(domain)
            case "dns4": .dns4(domain)
            case "dns6": .dns6(domain)
            default: .dnsaddr(domain)
            }
        }
    }

    /// A port in decimal digits, without a sign or leading zeros.
    private static func port(_ name: String, _ value: some StringProtocol) throws(WireError) -> UInt16 {
        guard value.utf8.allSatisfy({ (48...57).contains($0) }), value.utf8.count == 1 || !value.hasPrefix("0"),
            let port = UInt16(value)
        else { throw self.malformed(name, value) }
        return port
    }

    /// A peer id in either text form: bare base 58, or a content identifier of a libp2p key.
    private static func peer(_ value: some StringProtocol) throws(WireError) -> Multihash {
        if value.hasPrefix("1") || value.hasPrefix("Qm") {
            return try Multihash(bytes: Multibase.base58btc.decodeBare(value))
        }
        let cid = try CID(value)
        guard cid.codec == .libp2pKey else { throw self.malformed("p2p", value) }
        return cid.multihash
    }

    private static func malformed(_ name: String, _ value: some StringProtocol) -> WireError {
        .malformed("\"\(value.prefix(64))\" is no value for the multiaddr layer \"\(name)\"")
    }
}

extension Multiaddr.Component: CustomStringConvertible {
    /// The text form of this layer, with the slash before it.
    package var description: String {
        switch self {
        case .ip4(let value): "/ip4/\(IPAddress.v4(value))"
        case .ip6(let high, let low): "/ip6/\(IPAddress.v6(high: high, low: low))"
        case .tcp(let port): "/tcp/\(port)"
        case .udp(let port): "/udp/\(port)"
        case .dns(let name): "/dns/\(name)"
        case .dns4(let name): "/dns4/\(name)"
        case .dns6(let name): "/dns6/\(name)"
        case .dnsaddr(let name): "/dnsaddr/\(name)"
        case .p2p(let multihash): "/p2p/\(Multibase.base58btc.encodeBare(multihash.bytes))"
        case .p2pCircuit: "/p2p-circuit"
        case .unix(let path): "/unix\(path)"
        case .tls: "/tls"
        case .quicV1: "/quic-v1"
        case .ws: "/ws"
        }
    }
}
