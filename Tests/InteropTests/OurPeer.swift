import Cryptography
import Identity
import Libuv
import Overlay
import Testing
import Wire

/// Our side of a conversation: a host on a loop of its own, which echoes as the foreign peers do.
struct OurPeer {
    static let echoProtocol = "/dsmp/echo/1.0.0"

    let loop: EventLoop
    let host: Host
    let address: Multiaddr

    init() async throws {
        self.loop = EventLoop()
        self.host = try Host(identity: try KeyPair(seed: SecureRandom.bytes(32)), on: self.loop)
        await self.host.start()
        self.address = try await self.host.listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0"))
        await self.host.handle(Self.echoProtocol) { stream in
            while let bytes = try await stream.read() { try await stream.write(bytes) }
        }
    }

    func close() async {
        await self.host.shutdown()
        await self.loop.stop()
    }

    /// Sends bytes on one stream and compares what comes back.
    func echo(with peer: PeerID, byteCount: Int, seed: Int) async throws {
        let stream = try await self.host.openStream(to: peer, protocols: [Self.echoProtocol])
        let pattern = (0..<262_144 + 256).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ seed) }
        async let sending: Void = {
            var left = byteCount
            while left > 0 {
                let count = min(left, 262_144)
                try await stream.write(Array(pattern[..<count]))
                left -= count
            }
        }()
        var received = 0
        while received < byteCount {
            let bytes = try #require(try await stream.read(), "the stream ended after \(received) bytes")
            let start = received % 256
            try #require(bytes[...] == pattern[start..<start + bytes.count], "wrong bytes after \(received)")
            received += bytes.count
        }
        try await sending
        stream.finishWriting()
    }
}

/// Who dials whom.
enum Dialer: String, CaseIterable, CustomTestStringConvertible {
    case we, they
    var testDescription: String { self == .we ? "we dial" : "they dial" }
}

/// Connects a fresh host and a fresh foreign peer, and ends both after the test.
func withPeers(
    _ kind: ForeignPeer.Kind, _ dialer: Dialer, _ body: (OurPeer, ForeignPeer, PeerID) async throws -> Void
) async throws {
    let foreign = try ForeignPeer(kind)
    let ours = try await OurPeer()
    let peer = try PeerID(foreign.peer)
    do {
        switch dialer {
        case .we:
            try await ours.host.connect(to: peer, addresses: foreign.addresses.map { try Multiaddr($0) })
        case .they:
            try await foreign.perform(
                .init(op: "connect", peer: ours.host.peerID.description, addresses: [ours.address.description]))
        }
        try await body(ours, foreign, peer)
    } catch {
        await ours.close()
        throw error
    }
    await ours.close()
}
