import Cryptography
import Identity
import Libp2p
import TestKit
import Testing
import Wire

@Suite("A handshake with a hostile peer") struct NoiseHostileTests {
    /// Runs a listener against a dialer whose payload is changed, and says how the connection ended.
    static func end(_ change: (RawPeer) throws -> [UInt8]) throws -> ConnectionEnd? {
        let node = try Node(.listener, seed: 5)
        let peer = try RawPeer(node)
        peer.payload = try change(peer)
        try peer.finishHandshake()
        return node.end
    }

    static func isMalformed(_ end: ConnectionEnd?) -> Bool {
        if case .secureChannelFailed(.malformedPayload) = end { true } else { false }
    }

    @Test("accepts the proper payload") func acceptsProper() throws {
        #expect(try Self.end { try $0.payload() } == nil)
    }

    @Test("refuses a signature that is not valid") func refusesSignature() throws {
        let end = try Self.end { peer in
            var signature = try peer.signature()
            signature[17] ^= 1
            return try peer.payload(signature: signature)
        }
        #expect(end == .secureChannelFailed(.invalidSignature))
    }

    @Test("refuses a signature for another purpose") func refusesPrefix() throws {
        let end = try Self.end { try $0.payload(signature: $0.signature(prefix: Array("noise-libp2p-static:".utf8))) }
        #expect(end == .secureChannelFailed(.invalidSignature))
    }

    @Test("refuses a signature of no bytes or of many", arguments: [0, 63, 65, 5000])
    func refusesSignatureLength(count: Int) throws {
        let end = try Self.end { try $0.payload(signature: [UInt8](repeating: 1, count: count)) }
        #expect(end == .secureChannelFailed(.invalidSignature))
    }

    @Test(
        "refuses keys that are none",
        arguments: [
            [], [0x08, 0x01], [0x12, 0x20] + [UInt8](repeating: 7, count: 32),  // No key, no data, no type.
            [0x08, 0x01, 0x12, 0x1f] + [UInt8](repeating: 7, count: 31),  // Too short.
            [0x08, 0x09, 0x12, 0x20] + [UInt8](repeating: 7, count: 32),  // A type that does not exist.
            [0x08, 0x00, 0x12, 0x40] + [UInt8](repeating: 7, count: 64),  // RSA, but no key.
            [0x08, 0x01, 0x12, 0xff, 0xff, 0xff, 0xff, 0x0f],  // A length of 4 GiB.
        ] as [[UInt8]])
    func refusesKey(key: [UInt8]) throws {
        #expect(Self.isMalformed(try Self.end { try $0.payload(key: key) }))
    }

    @Test("refuses a payload that is empty or no message", arguments: [[], [0xff], [0x0a, 0x24, 0x08]] as [[UInt8]])
    func refusesPayload(payload: [UInt8]) throws {
        #expect(Self.isMalformed(try Self.end { _ in payload }))
    }

    @Test("derives one id from a key whose fields are in another order or have company") func canonicalKey() throws {
        let node = try Node(.listener, seed: 5)
        let peer = try RawPeer(node)
        let data = peer.keyPair.publicKey.data
        peer.payload = try peer.payload(key: [0x12, 0x20] + data + [0x08, 0x01, 0x1a, 0x02, 0x68, 0x69])
        try peer.finishHandshake()
        #expect(node.end == nil)
        #expect(node.peer == peer.keyPair.peerID)
    }

    @Test("fails when both name muxers and none is common") func noCommonMuxer() throws {
        let end = try Self.end { try $0.payload(muxers: ["/mplex/6.7.0", "/other"]) }
        #expect(end == .secureChannelFailed(.noCommonMuxer(["/mplex/6.7.0", "/other"])))
    }

    @Test("finds the common muxer among others") func findsCommonMuxer() throws {
        #expect(try Self.end { try $0.payload(muxers: ["/mplex/6.7.0", "/yamux/1.0.0"]) } == nil)
    }

    @Test("refuses thousands of muxers before it decrypts them") func refusesManyMuxers() throws {
        let end = try Self.end { try $0.payload(muxers: (0..<4000).map { "/muxer/\($0)" }) }
        guard case .secureChannelFailed(.messageTooLong) = end else {
            Issue.record("ended with \(String(describing: end))")
            return
        }
    }

    @Test("takes a handshake message of 16,384 bytes and none of one more") func boundsMessages() throws {
        // Two keys and tags, 64 bytes, are in the message besides the payload; a field of no meaning fills it up.
        for (extra, isAccepted) in [(0, true), (1, false)] {
            let end = try Self.end { peer in
                var payload = try peer.payload()
                let fill = NoiseHandshake.maximumMessageBytes - 64 - payload.count - 3 + extra
                payload += [0x7a] + Varint.encode(UInt64(fill)) + [UInt8](repeating: 0, count: fill)
                return payload
            }
            #expect((end == nil) == isAccepted)
        }
    }

    @Test("tolerates a payload in the first message") func toleratesFirstPayload() throws {
        let node = try Node(.listener, seed: 5)
        try RawPeer(node).finishHandshake(firstPayload: [1, 2, 3])
        #expect(node.end == nil && node.isEstablished)
    }

    @Test("refuses a dialled peer that is another one") func refusesOtherPeer() throws {
        let expected = try KeyPair(seed: [UInt8](repeating: 3, count: 32)).peerID
        let node = try Node(.dialer(expected: expected), seed: 6)
        let peer = try RawPeer(node, isDialer: false)
        try? peer.finishHandshake()
        #expect(
            node.end == .secureChannelFailed(.wrongPeer(expected: expected, found: peer.keyPair.peerID)))
    }

    @Test("refuses itself on both sides") func refusesItself() throws {
        let listener = try Node(.listener, seed: 7)
        let dialer = try Node(.dialer(expected: nil), seed: 7)
        exchange(dialer, listener)
        #expect(dialer.end == .secureChannelFailed(.ownIdentity))
        #expect(!listener.isEstablished)
    }

    @Test("refuses keys that make everybody's secret") func refusesZeroKey() throws {
        let node = try Node(.listener, seed: 8)
        node.receive(
            Multistream.message(Multistream.header) + Multistream.message("/noise") + [0, 32]
                + [UInt8](repeating: 0, count: 32))
        #expect(node.end == .secureChannelFailed(.unsafeKey))
    }

    @Test("refuses a first message that is too short", arguments: [0, 1, 31])
    func refusesShortMessage(count: Int) throws {
        let node = try Node(.listener, seed: 8)
        node.receive(
            Multistream.message(Multistream.header) + Multistream.message("/noise") + [0, UInt8(count)]
                + [UInt8](repeating: 9, count: count))
        #expect(node.end == .secureChannelFailed(.messageTooShort))
    }

    @Test("refuses the first message again in place of the third") func refusesReplay() throws {
        let node = try Node(.listener, seed: 9)
        let opening = try RawPeer(node).opening()
        node.receive(opening)
        node.receive(Array(opening.dropFirst(20 + 8)))
        guard case .secureChannelFailed = node.end else {
            Issue.record("ended with \(String(describing: node.end))")
            return
        }
    }

    @Test("refuses a third message with any bit changed or its tag cut off") func refusesDamage() throws {
        for position in [2, 20, 49, 50, 100, 185, -1] {
            let node = try Node(.listener, seed: 9)
            var third = try RawPeer(node).thirdMessage()
            if position >= 0 {
                third[position] ^= 0x40
            } else {
                third.removeLast()
                third[1] -= 1
            }
            node.receive(third)
            #expect(node.end == .secureChannelFailed(.authenticationFailed(message: 3)), "at \(position)")
        }
    }

    @Test("gives up after 15 seconds, whatever is half done", arguments: [0, 10, 27, 40, 59])
    func timesOut(count: Int) throws {
        let node = try Node(.listener, seed: 10)
        node.receive(Array(try RawPeer(node).opening().prefix(count)))
        node.sleep(milliseconds: 14_999)
        #expect(node.end == nil)
        node.sleep(milliseconds: 1)
        #expect(node.end == .handshakeTimedOut)
        #expect(node.output().isEmpty || count >= 20)
    }
}

@Suite("The Noise channel") struct NoiseTransportTests {
    private static let keys = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))

    static func sender() -> NoiseTransport { NoiseTransport(sendingKey: self.keys.0, receivingKey: self.keys.1) }

    static func receiver() -> NoiseTransport { NoiseTransport(sendingKey: self.keys.1, receivingKey: self.keys.0) }

    @Test("carries records of every size through any cutting", arguments: [0, 1, 2, 3, 4] as [UInt64])
    func carries(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var sender = Self.sender()
        var receiver = Self.receiver()
        var wire: [UInt8] = []
        var sent: [UInt8] = []
        for size in [0, 1, 16, 1000, 65_519, 65_518, 0, 30_000, 65_519] {
            let record = random.bytes(size)
            sent += record
            sender.seal(record, appendingTo: &wire)
        }
        var received: [UInt8] = []
        var rest = wire[...]
        while !rest.isEmpty {
            let piece = rest.prefix(
                random.oneIn(2) ? .random(in: 1...5, using: &random) : .random(in: 1...100_000, using: &random))
            rest = rest.dropFirst(piece.count)
            try receiver.open(piece.span.bytes, appendingTo: &received)
        }
        #expect(received == sent, "seed \(seed)")
        let partialByteCount = receiver.partialByteCount
        #expect(partialByteCount == 0)
    }

    @Test("fills a record of 65,535 bytes and not more") func fillsRecord() {
        var sender = Self.sender()
        var wire: [UInt8] = []
        sender.seal([UInt8](repeating: 0, count: NoiseTransport.maximumPlaintextBytes), appendingTo: &wire)
        #expect(wire.count == 65_537)
        #expect(wire.prefix(2).elementsEqual([0xff, 0xff]))
    }

    @Test("breaks on a damaged, a repeated and a missing record") func breaks() throws {
        var sender = Self.sender()
        var records: [[UInt8]] = []
        for value in 0..<3 {
            var record: [UInt8] = []
            sender.seal([UInt8(value)], appendingTo: &record)
            records.append(record)
        }
        var damaged = records[0]
        damaged[2] ^= 1
        for sequence in [[damaged], [records[0], records[0]], [records[0], records[2]]] {
            var receiver = Self.receiver()
            var plaintext: [UInt8] = []
            let wire = sequence.flatMap(\.self)
            #expect(throws: NoiseFailure.self) { try receiver.open(wire.span.bytes, appendingTo: &plaintext) }
        }
    }

    @Test("refuses a record without room for its tag, before its bytes come", arguments: [0, 1, 15])
    func refusesShortRecord(length: Int) {
        var receiver = Self.receiver()
        var plaintext: [UInt8] = []
        let wire = [0, UInt8(length)]
        #expect(throws: NoiseFailure.recordTooShort(byteCount: length)) {
            try receiver.open(wire.span.bytes, appendingTo: &plaintext)
        }
    }
}
