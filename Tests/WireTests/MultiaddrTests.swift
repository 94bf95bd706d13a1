import TestKit
import Testing
import Wire

@Suite("A multiaddr") struct MultiaddrTests {
    static let peer = "12D3KooWFMJ9tvmpAQt1kcNnuDgj5wVLgoZm3zbUvgxVXFbZauW4"
    static let peerBytes = "0024080112205236e67e052dbe3b51de3638c8e6b2d9a14c64d29dacfbc931d3536fb5fe0acd"

    static let table: [(text: String, bytes: String)] = [
        ("/ip4/127.0.0.1/tcp/4321", "047f0000010610e1"),
        ("/ip4/127.0.0.1/udp/1234", "047f000001910204d2"),
        ("/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21/udp/1234/quic-v1", "29260100094f819700803eca6566e80c21910204d2cd03"),
        ("/ip6/::1/tcp/0", "29000000000000000000000000000000010600" + "00"),
        ("/dns/example.com/tcp/443/tls/ws", "350b6578616d706c652e636f6d0601bbc003dd03"),
        ("/dns4/a.b/tcp/1", "3603612e62060001"), ("/dns6/a.b/tcp/1", "3703612e62060001"),
        ("/dnsaddr/a.b", "3803612e62"),
        ("/unix/a/b/c/d/e", "90030a2f612f622f632f642f65"),
        ("/ip4/127.0.0.1/tcp/38145/p2p/\(peer)", "047f000001069501a50326\(peerBytes)"),
        ("/unix/\u{301}a/b\u{301}/\u{301}c", "90030c2fcc81612f62cc812fcc8163"),
        ("/p2p/\(peer)/p2p-circuit", "a50326\(peerBytes)a202"),
    ]

    @Test("has these bytes", arguments: Self.table) func published(text: String, bytes: String) throws {
        let address = try Multiaddr(text)
        #expect(address.bytes.hexadecimal == bytes)
        #expect(address.description == text)
        #expect(try Multiaddr(bytes: [UInt8](hexadecimal: bytes) ?? []) == address)
        #expect(try Multiaddr(address.components) == address)
    }

    @Test("takes a peer id in each of its forms, and the older name") func peers() throws {
        let expected = try Multiaddr("/p2p/\(Self.peer)")
        let cid = CID(.libp2pKey, try Multihash(bytes: [UInt8](hexadecimal: Self.peerBytes) ?? []))
        for base in Multibase.allCases {
            #expect(try Multiaddr("/p2p/\(cid.text(in: base))") == expected)
        }
        #expect(try Multiaddr("/ipfs/\(Self.peer)/") == expected)
        #expect(expected.peerIDBytes?.hexadecimal == Self.peerBytes)
        let content = CID(.raw, cid.multihash)
        #expect(throws: WireError.self) { try Multiaddr("/p2p/\(content)") }
    }

    @Test("gives up its parts") func parts() throws {
        let endpoint = SocketEndpoint(.v4(0x7f00_0001), port: 4001)
        let address = Multiaddr(tcp: endpoint)
        #expect(address.description == "/ip4/127.0.0.1/tcp/4001")
        #expect(address.tcpEndpoint == endpoint)
        #expect(address.peerIDBytes == nil)
        let multihash = try Multihash(bytes: [UInt8](hexadecimal: Self.peerBytes) ?? [])
        let withPeer = try address.appending(.p2p(multihash))
        #expect(withPeer.tcpEndpoint == endpoint)
        #expect(withPeer.peerIDBytes == multihash.bytes)
        #expect(withPeer.withoutPeerID == address)
        #expect(address.withoutPeerID == address)
        #expect(try Multiaddr("/p2p/\(Self.peer)").withoutPeerID == nil)
        let name = try #require(try Multiaddr("/dns4/example.com/tcp/80/p2p/\(Self.peer)").tcpName)
        #expect(name == ("example.com", 80))
        let relayed = try Multiaddr("\(withPeer)/p2p-circuit/p2p/\(Self.peer)")
        #expect(relayed.isRelayed && relayed.tcpEndpoint == nil && !withPeer.isRelayed)
        for text in ["/ip4/1.2.3.4/tcp/1/ws", "/ip4/1.2.3.4/udp/1", "/ip4/1.2.3.4", "/tcp/1", "/unix/a"] {
            #expect(try Multiaddr(text).tcpEndpoint == nil, "\(text)")
        }
        #expect(SocketEndpoint(.v6(high: 0, low: 1), port: 2).description == "[::1]:2")
    }

    @Test(
        "is refused as text when it is malformed",
        arguments: [
            "", "/", "//", "ip4/1.2.3.4", "/ip4", "/ip4/", "/ip4/1.2.3", "/ip4/::1", "/ip6/1.2.3.4", "/ip6/fe80::1%1",
            "/tcp/65536", "/tcp/-1", "/tcp/+1", "/tcp/01", "/tcp/", "/tcp/1/tcp", "/dns/", "/dns/a b", "/dns/ä",
            "/p2p/x",
            "/p2p/12D3Koo0", "/p2p/", "/http", "/ip4/1.2.3.4//tcp/1", "/unix", "/unix/", "/unix/a//b", "/unix/a\u{1}",
            "/quic", "/ip4/1.2.3.4/quic-v1/x", "/ws/1", "/\u{301}ip4/1.2.3.4", "/tcp/\u{301}1",
        ])
    func refusesText(text: String) {
        #expect(throws: WireError.self) { try Multiaddr(text) }
    }

    @Test(
        "is refused as bytes when it is malformed",
        arguments: [
            "", "04", "047f0000", "8400" + "7f000001", "0610", "29" + "00", "3500", "3501", "3501ff", "350120",
            "3602612f", "a50300", "a50326", "a5030212", "a50304" + "12020102", "9003", "900300", "90030161", "9003012f",
            "9003032f612f", "9003022f00", "9003022f61dd03", "ff", "05", "80808080808080808001",
            "a503ffffffffffffffff7f", "a503221e20" + String(repeating: "11", count: 32), "35ffffffffffffffff7f",
        ])
    func refusesBytes(bytes: String) throws {
        let bytes = try #require([UInt8](hexadecimal: bytes))
        #expect(throws: WireError.self) { try Multiaddr(bytes: bytes) }
    }

    @Test("has at most 16 layers and 1024 bytes") func isBounded() throws {
        let layers = [Multiaddr.Component](repeating: .tls, count: Multiaddr.maximumComponentCount)
        let deepest = try Multiaddr(layers)
        #expect(try Multiaddr(deepest.description) == deepest)
        #expect(throws: WireError.overLimit(value: 17, limit: 16)) { try deepest.appending(.tls) }
        #expect(throws: WireError.overLimit(value: 17, limit: 16)) { try Multiaddr("\(deepest)/tls") }

        let path = "/" + String(repeating: "a", count: Multiaddr.maximumByteCount - 5)
        let longest = try Multiaddr([.unix(path)])
        #expect(longest.bytes.count == Multiaddr.maximumByteCount)
        #expect(try Multiaddr(longest.description) == longest)
        #expect(throws: WireError.overLimit(value: 1025, limit: 1024)) { try Multiaddr([.unix(path + "a")]) }
        #expect(throws: WireError.overLimit(value: 1025, limit: 1024)) { try Multiaddr("/unix\(path)a") }
        #expect(throws: WireError.self) { try Multiaddr("/unix" + String(repeating: "/a", count: 1 << 20)) }

        let name = String(repeating: "a", count: Multiaddr.maximumNameCharacterCount)
        #expect(try Multiaddr("/dns/\(name)").components == [.dns(name)])
        #expect(throws: WireError.self) { try Multiaddr("/dns/\(name)a") }
        #expect(throws: WireError.self) { try Multiaddr([.dns(name + "a")]) }
    }

    @Test("survives a round trip in both forms") func roundTrips() throws {
        var random = SplitMix64(seed: 5)
        for round in 0..<3_000 {
            let count = 1 + Int(random.next() % 8)
            var layers = (0..<count).map { _ in Self.layer(using: &random) }
            if random.oneIn(8) { layers.append(.unix("/run/a\(random.next())")) }
            let address = try Multiaddr(layers)
            #expect(address.components == layers, "round \(round) of seed 5")
            #expect(try Multiaddr(bytes: address.bytes) == address, "round \(round) of seed 5")
            #expect(try Multiaddr(address.description) == address, "round \(round) of seed 5")
        }
    }

    @Test("never has two binary forms, whatever bytes arrive") func isCanonical() throws {
        var random = SplitMix64(seed: 6)
        var accepted = 0
        for round in 0..<20_000 {
            var bytes = try #require(
                [UInt8](hexadecimal: Self.table[Int(random.next() % UInt64(Self.table.count))].bytes))
            for _ in 0...random.next() % 3 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(random.next() % 256)
            }
            guard let address = try? Multiaddr(bytes: bytes) else { continue }
            accepted += 1
            #expect(try Multiaddr(address.components).bytes == bytes, "round \(round) of seed 6")
            #expect(try Multiaddr(address.description).bytes == bytes, "round \(round) of seed 6")
        }
        #expect(accepted > 1_000)
    }

    private static func layer(using random: inout SplitMix64) -> Multiaddr.Component {
        switch random.next() % 13 {
        case 0: .ip4(UInt32(truncatingIfNeeded: random.next()))
        case 1: .ip6(high: random.next(), low: random.next())
        case 2: .tcp(UInt16(truncatingIfNeeded: random.next()))
        case 3: .udp(UInt16(truncatingIfNeeded: random.next()))
        case 4: .dns("a\(random.next()).example")
        case 5: .dns4("b-\(random.next())")
        case 6: .dns6("c_\(random.next())")
        case 7: .dnsaddr("d.\(random.next())")
        case 8:
            (try? Multihash(.sha256, digest: random.bytes(32))).map { .p2p($0) } ?? .tls
        case 9: .p2pCircuit
        case 10: .tls
        case 11: .quicV1
        default: .ws
        }
    }
}
