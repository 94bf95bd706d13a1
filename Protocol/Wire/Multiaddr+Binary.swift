extension Multiaddr {
    /// The codes of the layers in the multicodec table.
    enum Code {
        static let ip4: UInt64 = 0x04
        static let tcp: UInt64 = 0x06
        static let ip6: UInt64 = 0x29
        static let dns: UInt64 = 0x35
        static let dns4: UInt64 = 0x36
        static let dns6: UInt64 = 0x37
        static let dnsaddr: UInt64 = 0x38
        static let udp: UInt64 = 0x0111
        static let p2pCircuit: UInt64 = 0x0122
        static let unix: UInt64 = 0x0190
        static let p2p: UInt64 = 0x01a5
        static let tls: UInt64 = 0x01c0
        static let quicV1: UInt64 = 0x01cd
        static let ws: UInt64 = 0x01dd
    }

    /// Decodes and checks a whole binary address.
    static func components(of bytes: ArraySlice<UInt8>) throws(WireError) -> [Component] {
        guard !bytes.isEmpty else { throw .malformed("a multiaddr is empty") }
        guard bytes.count <= self.maximumByteCount else {
            throw .overLimit(value: UInt64(bytes.count), limit: self.maximumByteCount)
        }
        var reader = ByteReader(bytes)
        var components: [Component] = []
        while !reader.isAtEnd {
            guard components.count < self.maximumComponentCount else {
                throw .overLimit(value: UInt64(components.count + 1), limit: self.maximumComponentCount)
            }
            if case .unix? = components.last { throw .malformed("a layer follows a Unix path in a multiaddr") }
            components.append(try Component(from: &reader))
        }
        return components
    }
}

extension Multiaddr.Component {
    init(from reader: inout ByteReader) throws(WireError) {
        let code = try reader.varint()
        switch code {
        case Multiaddr.Code.ip4: self = .ip4(try reader.bigEndian(UInt32.self))
        case Multiaddr.Code.ip6:
            let high = try reader.bigEndian(UInt64.self)
            self = .ip6(high: high, low: try reader.bigEndian(UInt64.self))
        case Multiaddr.Code.tcp: self = .tcp(try reader.bigEndian(UInt16.self))
        case Multiaddr.Code.udp: self = .udp(try reader.bigEndian(UInt16.self))
        case Multiaddr.Code.dns: self = .dns(try Self.name(from: &reader))
        case Multiaddr.Code.dns4: self = .dns4(try Self.name(from: &reader))
        case Multiaddr.Code.dns6: self = .dns6(try Self.name(from: &reader))
        case Multiaddr.Code.dnsaddr: self = .dnsaddr(try Self.name(from: &reader))
        case Multiaddr.Code.p2p:
            let bytes = try reader.lengthPrefixed(limit: Multihash.maximumPeerIDByteCount)
            let multihash = try Multihash(bytes: Array(bytes))
            guard multihash.isPeerID else { throw .malformed("a multiaddr holds a peer id that is none") }
            self = .p2p(multihash)
        case Multiaddr.Code.unix:
            let path = try reader.text(limit: Multiaddr.maximumByteCount)
            guard Self.isPath(path) else { throw .malformed("a Unix path in a multiaddr is not absolute and plain") }
            self = .unix(path)
        case Multiaddr.Code.p2pCircuit: self = .p2pCircuit
        case Multiaddr.Code.tls: self = .tls
        case Multiaddr.Code.quicV1: self = .quicV1
        case Multiaddr.Code.ws: self = .ws
        default: throw .unsupported("the multiaddr layer with code \(code)")
        }
    }

    func append(to bytes: inout [UInt8]) {
        switch self {
        case .ip4(let value):
            bytes.appendVarint(Multiaddr.Code.ip4)
            bytes.appendBigEndian(value)
        case .ip6(let high, let low):
            bytes.appendVarint(Multiaddr.Code.ip6)
            bytes.appendBigEndian(high)
            bytes.appendBigEndian(low)
        case .tcp(let port):
            bytes.appendVarint(Multiaddr.Code.tcp)
            bytes.appendBigEndian(port)
        case .udp(let port):
            bytes.appendVarint(Multiaddr.Code.udp)
            bytes.appendBigEndian(port)
        case .dns(let name): Self.append(Multiaddr.Code.dns, name.utf8, to: &bytes)
        case .dns4(let name): Self.append(Multiaddr.Code.dns4, name.utf8, to: &bytes)
        case .dns6(let name): Self.append(Multiaddr.Code.dns6, name.utf8, to: &bytes)
        case .dnsaddr(let name): Self.append(Multiaddr.Code.dnsaddr, name.utf8, to: &bytes)
        case .p2p(let multihash): Self.append(Multiaddr.Code.p2p, multihash.bytes, to: &bytes)
        case .unix(let path): Self.append(Multiaddr.Code.unix, path.utf8, to: &bytes)
        case .p2pCircuit: bytes.appendVarint(Multiaddr.Code.p2pCircuit)
        case .tls: bytes.appendVarint(Multiaddr.Code.tls)
        case .quicV1: bytes.appendVarint(Multiaddr.Code.quicV1)
        case .ws: bytes.appendVarint(Multiaddr.Code.ws)
        }
    }

    private static func append(_ code: UInt64, _ value: some Collection<UInt8>, to bytes: inout [UInt8]) {
        bytes.appendVarint(code)
        bytes.appendLengthPrefixed(value)
    }

    private static func name(from reader: inout ByteReader) throws(WireError) -> String {
        let name = try reader.text(limit: Multiaddr.maximumNameCharacterCount)
        guard self.isName(name) else { throw .malformed("a multiaddr holds a domain name that is none") }
        return name
    }

    /// Letters, digits, hyphens, underscores and dots: what resolvers take, and nothing that a text form, a log or a
    /// terminal would read as something else.
    static func isName(_ name: String) -> Bool {
        (1...Multiaddr.maximumNameCharacterCount).contains(name.utf8.count)
            && name.utf8.allSatisfy { character in
                switch character {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Absolute, without empty parts and without control characters, so that text and binary form mean the same path.
    static func isPath(_ path: String) -> Bool {
        let bytes = Array(path.utf8)
        guard bytes.count >= 2, bytes[0] == UInt8(ascii: "/"), bytes.last != UInt8(ascii: "/") else { return false }
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return false }
        return !zip(bytes, bytes.dropFirst()).contains { $0 == UInt8(ascii: "/") && $1 == UInt8(ascii: "/") }
    }
}
