import Identity
import Libp2p
import Overlay
import Testing
import Wire

/// What is the same whichever implementation is at the other end and whoever dialled. One at a time: each wants the
/// machine's cores.
@Suite("With an independent libp2p peer", .serialized, .timeLimit(.minutes(4))) struct ForeignPeerTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let kind: ForeignPeer.Kind
        let dialer: Dialer
        var testDescription: String {
            "\(self.kind == .go ? "go-libp2p" : "py-libp2p"), \(self.dialer.testDescription)"
        }
    }

    struct Description: Decodable, Sendable {
        let agent: String
        let protocolVersion: String
        let protocols: [String]
        let listen: [String]
        let observed: String
        let key: String
        let recordBytes: Int
    }

    static let cases = [
        Case(kind: .go, dialer: .we), Case(kind: .go, dialer: .they), Case(kind: .python, dialer: .we),
        Case(kind: .python, dialer: .they),
    ]

    @Test("identifies and pings, in both directions", arguments: cases) func identifiesAndPings(case: Case) async throws
    {
        try await withPeers(`case`.kind, `case`.dialer) { ours, foreign, peer in
            let description = try await ours.host.description(of: peer)
            #expect(description.protocols?.contains("/ipfs/ping/1.0.0") == true)
            #expect(description.protocols?.contains(OurPeer.echoProtocol) == true)
            #expect(description.agentVersion?.isEmpty == false)
            #expect(description.publicKey.map { PeerID($0) } == peer)
            for _ in 0..<10 { #expect(try await ours.host.ping(peer) > 0) }

            let me = ours.host.peerID.description
            #expect(try await foreign.ask(.init(op: "ping", peer: me, count: 10), as: Int.self) == 10)
            let seen = try #require(try await foreign.ask(.init(op: "identify", peer: me), as: Description.self))
            #expect(seen.agent == ours.host.configuration.agentVersion)
            #expect(seen.protocols == (await ours.host.protocols))
            #expect(seen.listen.contains(ours.address.description))
            #expect(seen.key == ours.host.peerID.publicKey?.protobuf.hexadecimal)
            #expect(seen.observed.hasPrefix("/ip4/127.0.0.1/tcp/"))
            #expect(seen.recordBytes > 100)
        }
    }

    @Test("echoes 64 MiB on one stream", arguments: cases) func echoesOneStream(case: Case) async throws {
        try await withPeers(`case`.kind, `case`.dialer) { ours, foreign, peer in
            let count = 64 << 20
            switch `case`.dialer {
            case .we: try await ours.echo(with: peer, byteCount: count, seed: 1)
            case .they:
                let me = ours.host.peerID.description
                let echoed = try await foreign.ask(
                    .init(op: "echo", peer: me, bytes: count, streams: 1), as: Int.self)
                #expect(echoed == count)
            }
        }
    }

    @Test("echoes 64 streams of 1 MiB at once", arguments: cases) func echoesManyStreams(case: Case) async throws {
        try await withPeers(`case`.kind, `case`.dialer) { ours, foreign, peer in
            switch `case`.dialer {
            case .we:
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for seed in 0..<64 {
                        group.addTask { try await ours.echo(with: peer, byteCount: 1 << 20, seed: seed) }
                    }
                    try await group.waitForAll()
                }
            case .they:
                let me = ours.host.peerID.description
                let echoed = try await foreign.ask(
                    .init(op: "echo", peer: me, bytes: 1 << 20, streams: 64), as: Int.self)
                #expect(echoed == 64 << 20)
            }
        }
    }

    @Test("hears that a protocol is not served") func refusedProtocol() async throws {
        try await withPeers(.go, .we) { ours, foreign, peer in
            await #expect(throws: HostError.self) {
                _ = try await ours.host.openStream(to: peer, protocols: ["/dsmp/none/1", "/dsmp/none/2"])
            }
            let stream = try await ours.host.openStream(to: peer, protocols: ["/dsmp/none/1"])
            await #expect(throws: StreamError.self) { _ = try await stream.read() }
            let several = try await ours.host.openStream(
                to: peer, protocols: ["/dsmp/none/1", OurPeer.echoProtocol])
            #expect(several.protocolID == OurPeer.echoProtocol)
            let me = ours.host.peerID.description
            let agreed = try await foreign.ask(
                .init(op: "open", peer: me, protocols: ["/dsmp/none/1", OurPeer.echoProtocol]), as: String.self)
            #expect(agreed == OurPeer.echoProtocol)
        }
    }

    @Test("refuses a go peer under another's id") func refusesOtherIdentity() async throws {
        let foreign = try ForeignPeer(.go)
        let ours = try await OurPeer()
        let other = try KeyPair(seed: [UInt8](repeating: 1, count: 32)).peerID
        await #expect(throws: HostError.self) {
            try await ours.host.connect(to: other, addresses: foreign.addresses.map { try Multiaddr($0) })
        }
        await ours.close()
    }
}
