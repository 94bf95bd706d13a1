import Libp2p
import TestKit
import Testing
import Wire

/// What go-libp2p 0.32.1 really sends, recorded frame by frame: our dialer must understand it, and what it says itself
/// must be what go understood then.
@Suite("A connection recorded with go-libp2p") struct TranscriptTests {
    struct Line {
        let isFromGo: Bool
        let bytes: [UInt8]
    }

    /// The yamux frames of the recording.
    static func frames() throws -> [Line] {
        let text = String(decoding: try Repository.bytes("Specs/vectors/libp2p_transcript_go.txt"), as: UTF8.self)
        return text.split(separator: "\n").compactMap { line in
            guard line.contains("yamux"), let word = line.split(separator: " ").last else { return nil }
            return [UInt8](hexadecimal: word).map { Line(isFromGo: line.hasPrefix("←"), bytes: $0) }
        }
    }

    @Test("opens the secure channel with go's bytes") func opening() throws {
        let node = try Node(.dialer(expected: nil), seed: 1)
        let text = String(decoding: try Repository.bytes("Specs/vectors/libp2p_transcript_go.txt"), as: UTF8.self)
        let first = try #require(text.split(separator: "\n").first?.split(separator: " ").last)
        let output = node.output()
        #expect(output.starts(with: try #require([UInt8](hexadecimal: first))))
        #expect(output.dropFirst(28).prefix(2).elementsEqual([0x00, 0x20]))
        #expect(output.count == 28 + 34)
    }

    @Test("replays: ping, identify that go opens, half-close, a DHT request") func replays() throws {
        let node = try Node(.dialer(expected: nil), seed: 1)
        let go = try RawPeer(node, isDialer: false)
        try go.finishHandshake()
        let lines = try Self.frames()
        let fromUs = lines.filter { !$0.isFromGo }.map(\.bytes)
        let fromGo = lines.filter(\.isFromGo).map(\.bytes)
        let ping = try node.open("/ipfs/ping/1.0.0")
        _ = node.write([UInt8](repeating: 0xaa, count: 32), to: ping)
        let said = try Frame.parse(go.receive())
        // Our own ping, then what was recorded; the 32 bytes go along without waiting for an answer.
        #expect(said.map(\.header.kind) == [.ping, .windowUpdate, .data])
        #expect(said[1].bytes == fromUs[0])
        #expect(said[2].body == Array(fromUs[1].dropFirst(12)) + [UInt8](repeating: 0xaa, count: 32))
        for frame in fromGo.prefix(8) { go.send(frame) }
        #expect(node.effects.compactMap(\.outgoing).map(\.protocolID) == ["/ipfs/ping/1.0.0"])
        #expect(bytes(of: ping, in: node.effects) == [UInt8](repeating: 0xaa, count: 32))
        #expect(node.effects.compactMap(\.incoming).map(\.protocolID) == ["/ipfs/id/1.0.0"])
        let answers = try Frame.parse(go.receive())
        #expect(answers.contains(Frame(.ping, .acknowledge, 0, 0)))
        #expect(answers.contains(Frame(.windowUpdate, .acknowledge, 2)))
        node.machine.finish(ping)
        #expect(try go.receive() == Frame(.windowUpdate, .finish, 1).bytes)
        #expect(node.effects.compactMap(\.finished) == [ping])
        let lookup = try node.open("/ipfs/kad/1.0.0")
        for frame in fromGo.dropFirst(8) { go.send(frame) }
        #expect(node.effects.compactMap(\.outgoing).last?.protocolID == "/ipfs/kad/1.0.0")
        #expect(bytes(of: lookup, in: node.effects).hexadecimal.hasPrefix("3808044232"))
        #expect(node.end == nil)
    }
}
