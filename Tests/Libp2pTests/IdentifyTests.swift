import Identity
import Libp2p
import TestKit
import Testing
import Wire

@Suite("A peer's description") struct IdentifyTests {
    static let peer = try? KeyPair(seed: [UInt8](repeating: 4, count: 32))

    static func read(_ bytes: [UInt8], piece: Int = .max, from peer: PeerID? = nil) throws -> PeerDescription {
        var reader = IdentifyReader()
        for start in stride(from: 0, to: bytes.count, by: min(piece, max(bytes.count, 1))) {
            try reader.receive(bytes[start..<min(bytes.count, start + min(piece, bytes.count))])
        }
        return try reader.finish(from: try peer ?? #require(Self.peer).peerID)
    }

    static func field(_ number: UInt64, _ value: [UInt8]) -> [UInt8] {
        var bytes = Varint.encode(number << 3 | 2)
        bytes.appendLengthPrefixed(value)
        return bytes
    }

    static func message(_ fields: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLengthPrefixed(fields)
        return bytes
    }

    static func address(_ port: Int) throws -> Multiaddr { try Multiaddr("/ip4/192.0.2.1/tcp/\(port)") }

    @Test("comes back as it was sent, however it is cut", arguments: [1, 10, Int.max]) func roundTrips(piece: Int)
        throws
    {
        let peer = try #require(Self.peer)
        var sent = PeerDescription(
            publicKey: peer.publicKey, listenAddresses: [try Self.address(1), try Self.address(2)],
            protocols: ["/a/1", "/b/2"], observedAddress: try Self.address(3), protocolVersion: "dsmp/1",
            agentVersion: "dsmp/0.1")
        let record = PeerRecord(peerID: peer.peerID, sequence: 7, addresses: [try Self.address(9)])
        let received = try Self.read(sent.encoded(signedRecord: record.signed(by: peer).bytes), piece: piece)
        sent.record = record
        #expect(received == sent)
    }

    @Test("says nothing about what is absent, and a push changes only what it says") func updates() throws {
        var known = try Self.read(
            PeerDescription(listenAddresses: [try Self.address(1)], protocols: ["/a/1"], agentVersion: "x").encoded())
        #expect(known.publicKey == nil && known.observedAddress == nil && known.record == nil)
        known.update(with: try Self.read(PeerDescription(protocols: ["/b/1"]).encoded()))
        #expect(known.protocols == ["/b/1"])
        #expect(known.listenAddresses == [try Self.address(1)] && known.agentVersion == "x")
        #expect(try Self.read(Self.message([])) == PeerDescription())
    }

    @Test("is sent in at most 4096 bytes, without what is too much") func fits() throws {
        let peer = try #require(Self.peer)
        let addresses = try (1...1000).map { try Self.address($0) }
        let protocols = (0..<100).map { "/protocol/\($0)" }
        let bytes = PeerDescription(publicKey: peer.publicKey, listenAddresses: addresses, protocols: protocols)
            .encoded()
        #expect(bytes.count <= PeerDescription.maximumSentBytes + 2)
        let received = try Self.read(bytes)
        #expect(received.protocols == protocols && received.listenAddresses?.first == addresses[0])
        let long = PeerDescription(protocols: (0..<2000).map { "/protocol/\($0)" }).encoded()
        #expect(long.count <= PeerDescription.maximumSentBytes + 2)
        #expect(try Self.read(long).protocols?.first == "/protocol/0")
    }

    @Test("is merged from up to ten messages") func merges() throws {
        let chunks = try (1...10).flatMap { Self.message(Self.field(2, try Self.address($0).bytes)) }
        #expect(try Self.read(chunks).listenAddresses?.count == 10)
        #expect(throws: IdentifyFailure.tooManyMessages(limit: 10)) { try Self.read(chunks + Self.message([])) }
    }

    @Test("may have messages of 8192 bytes") func boundsMessages() throws {
        let fill = Self.field(15, [UInt8](repeating: 0, count: 8192 - 3))
        #expect(fill.count == 8192)
        #expect(try Self.read(Self.message(fill)) == PeerDescription())
        #expect(throws: IdentifyFailure.messageTooLong(limitBytes: 8192)) {
            try Self.read(Varint.encode(8193))
        }
        #expect(throws: IdentifyFailure.messageTooLong(limitBytes: 8192)) {
            try Self.read(Varint.encode(Varint.maximum))
        }
    }

    @Test("may name 1024 protocols and 500 addresses") func boundsCounts() throws {
        func chunks(_ fields: [[UInt8]]) -> [UInt8] {
            stride(from: 0, to: fields.count, by: 200).flatMap {
                Self.message(fields[$0..<min(fields.count, $0 + 200)].flatMap(\.self))
            }
        }
        let protocols = (0..<1025).map { Self.field(3, Array("/p/\($0)".utf8)) }
        #expect(try Self.read(chunks(protocols.dropLast())).protocols?.count == 1024)
        #expect(throws: IdentifyFailure.tooManyProtocols(limit: 1024)) { try Self.read(chunks(protocols)) }
        let addresses = try (1...501).map { Self.field(2, try Self.address($0).bytes) }
        #expect(try Self.read(chunks(addresses.dropLast())).listenAddresses?.count == PeerDescription.keptAddressCount)
        #expect(throws: IdentifyFailure.tooManyAddresses(limit: 500)) { try Self.read(chunks(addresses)) }
    }

    @Test("is refused when it is cut off or no message") func refusesBroken() throws {
        #expect(throws: IdentifyFailure.incomplete) { try Self.read([]) }
        #expect(throws: IdentifyFailure.incomplete) { try Self.read([5, 1, 2]) }
        for bytes in [[1, 0xff], [2, 0x12, 0x7f], [0x80, 0x00]] as [[UInt8]] {
            #expect(throws: IdentifyFailure.self) { try Self.read(bytes) }
        }
    }

    @Test("keeps no foreign key, foreign record or unreadable address") func dropsForeign() throws {
        let peer = try #require(Self.peer)
        let other = try KeyPair(seed: [UInt8](repeating: 5, count: 32))
        let record = PeerRecord(peerID: other.peerID, sequence: 1, addresses: [try Self.address(9)])
        let bytes =
            Self.field(1, other.publicKey.protobuf) + Self.field(2, [0xff, 0xff]) + Self.field(4, [0])
            + Self.field(8, record.signed(by: other).bytes)
        let received = try Self.read(Self.message(bytes), from: peer.peerID)
        #expect(received.publicKey == nil && received.record == nil && received.observedAddress == nil)
        #expect(received.listenAddresses == [])
    }

    @Test("keeps version texts short and printable") func cleansTexts() throws {
        let text = "evil\u{1b}[2J\n\u{202e}" + String(repeating: "x", count: 6000)
        let received = try Self.read(Self.message(Self.field(6, Array(text.utf8))))
        #expect(received.agentVersion?.hasPrefix("evil[2Jxxx") == true)
        #expect(received.agentVersion?.count == PeerDescription.keptVersionCharacterCount)
    }

    @Test("never traps, whatever comes", arguments: 0..<300 as Range<UInt64>) func survivesGarbage(seed: UInt64) throws
    {
        var random = SplitMix64(seed: seed)
        let peer = try #require(Self.peer)
        var bytes = PeerDescription(publicKey: peer.publicKey, protocols: ["/a/1"], agentVersion: "dsmp").encoded()
        for _ in 0...random.next() % 8 {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8(truncatingIfNeeded: random.next())
        }
        _ = try? Self.read(bytes, piece: .random(in: 1...100, using: &random))
    }
}

@Suite("Ping") struct PingTests {
    @Test("answers whole pings, however they are cut") func answers() {
        var responder = PingResponder()
        var random = SplitMix64(seed: 1)
        let pings = random.bytes(3 * Ping.byteCount + 31)
        var answer: [UInt8] = []
        var rest = pings[...]
        while !rest.isEmpty {
            let piece = rest.prefix(.random(in: 1...40, using: &random))
            rest = rest.dropFirst(piece.count)
            answer += responder.receive(piece)
        }
        #expect(answer == Array(pings.prefix(3 * Ping.byteCount)))
    }

    @Test("measures the time to the whole answer") func measures() throws {
        var requester = PingRequester()
        let payload = [UInt8](0..<32)
        requester.begin(payload: payload, nowNanoseconds: 100)
        #expect(try requester.receive(payload[..<31], nowNanoseconds: 150) == nil)
        #expect(try requester.receive(payload[31...], nowNanoseconds: 175) == 75)
        requester.begin(payload: payload, nowNanoseconds: 200)
        #expect(try requester.receive(payload[...], nowNanoseconds: 201) == 1)
    }

    @Test("refuses other bytes, too many and unasked ones") func refusesOthers() throws {
        var requester = PingRequester()
        #expect(throws: PingRequester.WrongAnswer.self) { try requester.receive([1], nowNanoseconds: 0) }
        let payload = [UInt8](0..<32)
        requester.begin(payload: payload, nowNanoseconds: 0)
        #expect(throws: PingRequester.WrongAnswer.self) {
            try requester.receive((payload + [0])[...], nowNanoseconds: 0)
        }
        #expect(throws: PingRequester.WrongAnswer.self) { try requester.receive([1], nowNanoseconds: 0) }
    }
}
