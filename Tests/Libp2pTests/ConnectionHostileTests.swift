import Libp2p
import TestKit
import Testing

@Suite("A connection with a hostile peer") struct ConnectionHostileTests {
    static func opened(_ protocols: [[UInt8]], number: UInt32 = 1) -> [UInt8] {
        [Frame(.windowUpdate, .synchronize, number), Frame(data: protocols.flatMap(\.self), number)].bytes
    }
    static let header = Multistream.message(Multistream.header)

    @Test("resets a stream with a broken negotiation and serves the next") func resetsBrokenStreams() throws {
        let node = try Node(.listener, seed: 3)
        let peer = try RawPeer(node)
        try peer.finishHandshake()
        _ = try peer.receive()
        let broken: [[UInt8]] = [
            Array("GET / HTTP/1.1\r\n\r\n".utf8), Self.header + [0], Self.header + [0x80, 0x80, 1],
            Self.header + (0..<21).flatMap { _ in Multistream.message("/no") },
        ]
        for (index, bytes) in broken.enumerated() {
            let number = UInt32(2 * index + 1)
            peer.send(Self.opened([bytes], number: number))
            #expect(try Frame.parse(peer.receive()).last == Frame(.windowUpdate, .reset, number))
        }
        #expect(node.effects.compactMap(\.incoming).isEmpty && node.effects.compactMap(\.ended).isEmpty)
        peer.send(Self.opened([Self.header, Multistream.message("/echo/1"), [5]], number: 101))
        let incoming = try #require(node.effects.compactMap(\.incoming).first)
        #expect(bytes(of: incoming.id, in: node.effects) == [5])
    }

    @Test("resets 200 streams that never negotiate after ten seconds") func timesOutInbound() throws {
        let node = try Node(.listener, seed: 3)
        let peer = try RawPeer(node)
        try peer.finishHandshake()
        _ = try peer.receive()
        for index in 0..<200 { peer.send(Frame(.windowUpdate, .synchronize, UInt32(2 * index + 1)).bytes) }
        #expect(node.streamCount == 200)
        node.now += 9_999
        // A sign of life, as the connection would end otherwise.
        peer.send(Frame(.windowUpdate, 0).bytes)
        node.machine.tick(nowMilliseconds: node.now, effects: &node.effects)
        #expect(node.streamCount == 200)
        node.now += 1
        node.machine.tick(nowMilliseconds: node.now, effects: &node.effects)
        #expect(node.streamCount == 0)
        #expect(try Frame.parse(peer.receive()).filter { $0.header.flags == .reset }.count == 200)
    }

    @Test("ends with a farewell at a breach of yamux") func saysFarewell() throws {
        let node = try Node(.listener, seed: 3)
        let peer = try RawPeer(node)
        try peer.finishHandshake()
        _ = try peer.receive()
        peer.send(Frame(.windowUpdate, .synchronize, 2).bytes)
        #expect(node.end == .muxerFailed(.wrongStreamNumber(2)))
        #expect(try Frame.parse(peer.receive()) == [Frame(.goAway, 0, YamuxGoAway.protocolError.rawValue)])
        #expect(node.output().isEmpty)
    }

    @Test("ends when the peer says that it found a breach", arguments: [YamuxGoAway.protocolError, .internalError])
    func endsOnFarewell(reason: YamuxGoAway) throws {
        let node = try Node(.listener, seed: 3)
        let peer = try RawPeer(node)
        try peer.finishHandshake()
        peer.send(Frame(.goAway, 0, reason.rawValue).bytes)
        #expect(node.end == .closedByPeer(reason))
    }

    @Test("ends at a damaged record") func endsAtDamage() throws {
        let node = try Node(.listener, seed: 3)
        let peer = try RawPeer(node)
        try peer.finishHandshake()
        var record = peer.sealed(Frame(.ping, .synchronize, 0, 1).bytes)
        record[5] ^= 1
        node.receive(record)
        #expect(node.end == .secureChannelFailed(.authenticationFailed(message: 4)))
    }

    @Test("ends at another protocol at once", arguments: ["GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n", "\u{16}\u{3}\u{1}"])
    func refusesOtherProtocols(text: String) throws {
        let node = try Node(.listener, seed: 3)
        node.receive(Array(text.utf8))
        #expect(node.end == .negotiationFailed(.wrongHeader))
    }

    @Test("speaks no plaintext and no old channel", arguments: ["/plaintext/2.0.0", "/secio/1.0.0", "/tls/1.0.0"])
    func refusesPlaintext(name: String) throws {
        let node = try Node(.listener, seed: 3)
        node.receive(Self.header + Multistream.message(name))
        #expect(node.end == nil)
        #expect(node.output() == Self.header + Multistream.message("na"))
    }

    @Test("ends when the dialled peer refuses the secure channel") func refusedChannel() throws {
        let node = try Node(.dialer(expected: nil), seed: 3)
        _ = node.output()
        node.receive(Self.header + Multistream.message("na"))
        #expect(node.end == .negotiationFailed(.notSupported(["/noise"])))
    }

    @Test("one connection's peer does not disturb another's with the same identity") func sameIdentityTwice() throws {
        let nodes = try (0..<2).map { _ in try Node(.listener, seed: 3) }
        for node in nodes { try RawPeer(node).finishHandshake() }
        #expect(nodes.allSatisfy { $0.isEstablished })
    }

    /// A conversation whose bytes are changed on the way: each side ends or goes on, and nothing traps.
    @Test("never traps, whatever is changed on the way", arguments: 0..<150 as Range<UInt64>)
    func survivesMutation(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let listener = try Node(.listener, seed: 11)
        let dialer = try Node(.dialer(expected: nil), seed: 12)
        let id = try dialer.open("/echo/1")
        let target = Int.random(in: 0..<500, using: &random)
        var passed = 0
        for round in 0..<8 {
            _ = dialer.write(random.bytes(30)[...].map { $0 }, to: id)
            let (sender, receiver) = round.isMultiple(of: 2) ? (dialer, listener) : (listener, dialer)
            var wire = sender.output()
            for index in wire.indices where passed + index >= target && random.oneIn(40) {
                wire[index] = UInt8(truncatingIfNeeded: random.next())
            }
            if random.oneIn(20) { wire += random.bytes(100) }
            passed += wire.count
            receiver.receive(wire)
        }
        for node in [dialer, listener] {
            node.sleep(milliseconds: 60_000)
            #expect(node.end != nil, "seed \(seed)")
        }
    }

    /// Random frames inside a valid channel, as an authenticated peer can send them.
    @Test("never traps on frames of an authenticated peer", arguments: 0..<100 as Range<UInt64>)
    func survivesFrames(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let node = try Node(.listener, seed: 3)
        let peer = try RawPeer(node)
        try peer.finishHandshake()
        let proposals = [Self.header, Multistream.message("/echo/1"), Multistream.message("/no"), [1, 2, 3]]
        for step in 0..<200 where !node.isClosed {
            let number = UInt32.random(in: 0..<12, using: &random)
            let body = (0..<3).flatMap { _ in proposals.randomElement(using: &random) ?? [] }
            let flags = YamuxHeader.Flags(rawValue: [0, 0, 0, 1, 1, 2, 4, 8][Int(random.next() % 8)])
            var frame = (random.oneIn(3) ? Frame(.windowUpdate, flags, number, 5) : Frame(data: body, flags, number))
                .bytes
            if random.oneIn(100) { frame[Int(random.next() % 4)] ^= 1 }
            peer.send(frame)
            for (id, _) in node.effects.compactMap(\.incoming) where step.isMultiple(of: 3) {
                _ = node.write([1, 2, 3], to: id)
                if random.oneIn(4) { node.machine.finish(id) }
            }
            node.effects.removeAll { $0.data != nil }
            if random.oneIn(5) { _ = try peer.receive() }
            node.sleep(milliseconds: .random(in: 0...50, using: &random))
        }
        #expect(node.streamCount <= 12, "seed \(seed)")
    }
}
