import Libp2p
import TestKit
import Testing

@Suite("A multistream listener") struct MultistreamListenerTests {
    static let header = Multistream.message(Multistream.header)

    static func listen(
        _ sent: [UInt8], supported: Set<String> = ["/a/1", "/noise"]
    ) throws -> (agreed: String?, reply: [UInt8]) {
        var listener = MultistreamListener()
        var reply: [UInt8] = []
        var bytes = sent[...]
        let agreed = try listener.receive(&bytes, supported: supported, reply: &reply)
        return (agreed, reply)
    }

    @Test("agrees in one flight and keeps what follows the proposal", arguments: [Int.max, 1, 7])
    func agrees(piece: Int) throws {
        var listener = MultistreamListener()
        var reply: [UInt8] = []
        let sent = Self.header + Multistream.message("/a/1") + [1, 2, 3]
        var agreed: String?
        var after: [UInt8] = []
        for start in stride(from: 0, to: sent.count, by: min(piece, sent.count)) {
            var bytes = sent[start..<min(sent.count, start + min(piece, sent.count))]
            if agreed == nil { agreed = try listener.receive(&bytes, supported: ["/a/1"], reply: &reply) }
            after += bytes
        }
        #expect(agreed == "/a/1")
        #expect(after == [1, 2, 3])
        #expect(reply == Self.header + Multistream.message("/a/1"))
    }

    @Test("answers the header at once, before any proposal") func answersHeader() throws {
        let result = try Self.listen(Self.header)
        #expect(result.agreed == nil)
        #expect(result.reply == Self.header)
    }

    @Test("answers na to what it does not serve", arguments: ["ls", "/b/1", "/multistream/1.0.0", "na", "/a/10", "/a"])
    func refuses(proposal: String) throws {
        let result = try Self.listen(Self.header + Multistream.message(proposal) + Multistream.message("/a/1"))
        #expect(result.agreed == "/a/1")
        #expect(result.reply == Self.header + Multistream.message("na") + Multistream.message("/a/1"))
    }

    @Test("answers 20 proposals and no more") func capsProposals() throws {
        let unknown = Multistream.message("/b/1")
        let most = (1..<Multistream.maximumProposals).flatMap { _ in unknown }
        #expect(try Self.listen(Self.header + most + Multistream.message("/a/1")).agreed == "/a/1")
        #expect(throws: MultistreamFailure.tooManyProposals(limit: 20)) {
            try Self.listen(Self.header + most + unknown + Multistream.message("/a/1"))
        }
    }

    @Test(
        "refuses another protocol at its first byte that differs",
        arguments: ["G", "GET / HTTP/1.1\r\n", "\u{13}/multistream/2", "\u{14}", "\u{13}/multistream/1.0.0\r"])
    func refusesHeader(text: String) {
        #expect(throws: MultistreamFailure.wrongHeader) { try Self.listen(Array(text.utf8)) }
    }

    @Test(
        "refuses malformed messages",
        arguments: [
            [0x00],  // No bytes at all.
            [0x81, 0x08],  // 1025 bytes.
            [0xd0, 0x0f],  // 2000 bytes.
            [0x80, 0x80],  // A third byte of length.
            [0x85, 0x00, 0x2f],  // Not the shortest length.
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            [0x02, 0x61, 0x62],  // No line feed.
            [0x03, 0xff, 0xfe, 0x0a],  // Not UTF-8.
        ] as [[UInt8]])
    func refusesMalformed(message: [UInt8]) {
        #expect(throws: MultistreamFailure.malformedMessage) { try Self.listen(Self.header + message) }
    }

    @Test("takes a message of 1024 bytes") func takesLongest() throws {
        let name = String(repeating: "x", count: Multistream.maximumMessageBytes - 1)
        let result = try Self.listen(Self.header + Multistream.message(name), supported: [name])
        #expect(result.agreed == name)
    }
}

@Suite("A multistream dialer") struct MultistreamDialerTests {
    static let header = Multistream.message(Multistream.header)

    static func dial(
        _ proposals: [String], answer: [UInt8]
    ) throws -> (agreed: String?, reply: [UInt8], rest: [UInt8]) {
        var dialer = MultistreamDialer(proposals: proposals)
        var reply: [UInt8] = []
        var bytes = answer[...]
        let agreed = try dialer.receive(&bytes, reply: &reply)
        return (agreed, reply, Array(bytes))
    }

    @Test("opens with the header and its first proposal") func opens() {
        #expect(
            MultistreamDialer(proposals: ["/a/1", "/b/1"]).opening == Self.header + Multistream.message("/a/1"))
    }

    @Test("proposes the next protocol after na") func proposesNext() throws {
        let result = try Self.dial(["/a/1", "/b/1"], answer: Self.header + Multistream.message("na"))
        #expect(result.agreed == nil)
        #expect(result.reply == Multistream.message("/b/1"))
    }

    @Test("keeps what came behind the answer") func keepsRest() throws {
        let result = try Self.dial(["/a/1"], answer: Self.header + Multistream.message("/a/1") + [9, 9])
        #expect(result.agreed == "/a/1")
        #expect(result.rest == [9, 9])
    }

    @Test("gives up when every proposal was refused, however many refusals come") func givesUp() {
        let flood = (0..<1000).flatMap { _ in Multistream.message("na") }
        #expect(throws: MultistreamFailure.notSupported(["/a/1", "/b/1"])) {
            try Self.dial(["/a/1", "/b/1"], answer: Self.header + flood)
        }
    }

    @Test("refuses an answer that it did not ask for", arguments: ["/b/1", "/multistream/1.0.0", "ls", ""])
    func refusesOther(answer: String) {
        #expect(throws: MultistreamFailure.unexpectedAnswer(answer)) {
            try Self.dial(["/a/1"], answer: Self.header + Multistream.message(answer))
        }
    }

    @Test("refuses an answer without a header") func refusesMissingHeader() {
        #expect(throws: MultistreamFailure.wrongHeader) {
            try Self.dial(["/a/1"], answer: Multistream.message("/a/1"))
        }
    }
}
