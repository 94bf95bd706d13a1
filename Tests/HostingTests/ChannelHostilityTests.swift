import TestKit
import Testing
import WorkerChannel

/// What a hostile or broken end may send, and what the other end makes of it.
@Suite("A hostile end of the channel") struct ChannelHostilityTests {
    /// A frame with any header, also ones that no encoder writes.
    static func frame(_ type: UInt8, call: UInt32 = 0, flags: UInt8 = 0, _ payload: [UInt8] = [], length: Int? = nil)
        -> [UInt8]
    {
        let length = UInt32(length ?? payload.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
            + (0..<4).map { UInt8(truncatingIfNeeded: call >> (24 - 8 * $0)) } + [type, flags] + payload
    }

    struct Attack: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        var testDescription: String { self.name }

        init(_ name: String, _ bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    static let toHost: [Attack] = [
        Attack("type 0", frame(0)), Attack("type 12", frame(12)), Attack("type 255", frame(255)),
        Attack("text", Array("HTTP/1.1 200 OK\r\n\r\n".utf8)),
        Attack("a message of 1 MiB and a byte", frame(4, call: 1, length: 1_048_577)),
        Attack("a length of 4 GiB", frame(4, call: 1, length: 0xFFFF_FFFF)),
        Attack("a message for no call", frame(4, call: 0)), Attack("a message for an unknown call", frame(4, call: 99)),
        Attack("an end for an unknown call", frame(6, call: 99, [0, 0])),
        Attack("credit for an unknown call", frame(8, call: 99, [0, 0, 0, 1])),
        Attack("an end of one byte", frame(6, call: 1, [0])),
        Attack("an end of 1,027 bytes", frame(6, call: 1, length: 1_027)),
        Attack("an end with flag 2", frame(6, call: 1, flags: 2, [0, 0])),
        Attack("a message with a flag", frame(4, call: 1, flags: 1)),
        Attack("a second hello", hello()), Attack("a second ready", frame(2)),
        Attack("a ready with bytes", frame(2, [0])),
        Attack("an open", frame(3, call: 7, [1, 0, 1, 0x61])), Attack("a finish", frame(5, call: 1)),
        Attack("a cancel", frame(7, call: 1, [0, 1])), Attack("a stop", frame(11)),
        Attack("a pong without a ping", frame(10, [0, 0, 0, 0, 0, 0, 0, 0])),
        Attack("a ping of 7 bytes", frame(9, [0, 0, 0, 0, 0, 0, 0])),
        Attack("no credit", frame(8, call: 1, [0, 0, 0, 0])),
        Attack("too much credit", frame(8, call: 1, [0x7F, 0xFF, 0xFF, 0xFF])),
        Attack(
            "more than its credit",
            frame(4, call: 1, [UInt8](repeating: 0, count: 20_000)) + frame(4, call: 1, [1])),
        Attack(
            "empty messages without end",
            (0..<1_025).flatMap { _ in frame(4, call: 1) }),
    ]

    static let toWorker: [Attack] = [
        Attack("type 12", frame(12)), Attack("a second hello", hello()), Attack("a ready", frame(2)),
        Attack("an end", frame(6, call: 1, [0, 0])),
        Attack("an open without a method", frame(3, call: 5)),
        Attack("an open with an empty method", frame(3, call: 5, [1, 0, 0])),
        Attack(
            "an open with a method of 65 bytes", frame(3, call: 5, [1, 0, 65] + [UInt8](repeating: 0x61, count: 65))),
        Attack("an open with a method of odd letters", frame(3, call: 5, [1, 0, 1, 0x20])),
        Attack("an open with a cut field", frame(3, call: 5, [1, 0, 2, 0x61])),
        Attack("an open with the same field twice", frame(3, call: 5, [1, 0, 1, 0x61, 1, 0, 1, 0x61])),
        Attack("an open with a deadline of 3 bytes", frame(3, call: 5, [1, 0, 1, 0x61, 2, 0, 3, 0, 0, 1])),
        Attack(
            "an open with 33 fields",
            frame(3, call: 5, [1, 0, 1, 0x61] + (100..<132).flatMap { [$0, 0, 0] })),
        Attack("an open of 4,097 bytes", frame(3, call: 5, length: 4_097)),
        Attack("an open for an open call", frame(3, call: 1, [1, 0, 1, 0x61])),
        Attack("an open for call 0", frame(3, call: 0, [1, 0, 1, 0x61])),
        Attack("input after its end", frame(5, call: 1) + frame(4, call: 1, [1])),
        Attack("two ends of input", frame(5, call: 1) + frame(5, call: 1)),
        Attack("two cancels", frame(7, call: 1, [0, 1]) + frame(7, call: 1, [0, 1])),
        Attack("two stops", frame(11) + frame(11)),
        Attack("an open after a stop", frame(11) + frame(3, call: 9, [1, 0, 1, 0x61])),
        Attack("too many calls", (10..<80).flatMap { frame(3, call: $0, [1, 0, 1, 0x61]) }),
    ]

    static func hello(_ change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
        var payload = Array("dsmpwork".utf8) + [0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 8]
        change(&payload)
        return self.frame(1, payload)
    }

    @Test("is refused by the host", arguments: toHost) func host(_ attack: Attack) throws {
        let pair = try ChannelPair.ready()
        let call = pair.host.open(ChannelTests.opening)
        #expect(call == 1)
        #expect(throws: ChannelViolation.self) { _ = try pair.toHost(attack.bytes) }
    }

    @Test("is refused by the worker", arguments: toWorker) func worker(_ attack: Attack) throws {
        let pair = try ChannelPair.ready(calls: 64)
        _ = pair.host.open(ChannelTests.opening)
        _ = try pair.toWorker()
        #expect(throws: ChannelViolation.self) { _ = try pair.toWorker(attack.bytes) }
    }

    @Test("is refused for its hello") func hellos() throws {
        let attacks: [(String, [UInt8])] = [
            ("no hello", Self.frame(2)), ("a ping first", Self.frame(9, [0, 0, 0, 0, 0, 0, 0, 0])),
            ("other letters", Self.hello { $0[0] = 0x65 }), ("cut", Self.frame(1, Array("dsmpwork".utf8))),
            ("version 1", Self.hello { $0.replaceSubrange(8..<12, with: [0, 1, 0, 1]) }),
            ("a range of versions", Self.hello { $0.replaceSubrange(8..<12, with: [0, 0, 0, 1]) }),
            ("versions backwards", Self.hello { $0.replaceSubrange(8..<12, with: [0, 1, 0, 0]) }),
            ("a window of 16,383", Self.hello { $0.replaceSubrange(12..<16, with: [0, 0, 0x3F, 0xFF]) }),
            ("a window over 16 MiB", Self.hello { $0.replaceSubrange(12..<16, with: [1, 0, 0, 1]) }),
            ("no calls", Self.hello { $0[19] = 0 }),
            (
                "4,097 calls",
                Self.hello {
                    $0[18] = 0x10; $0[19] = 1
                }
            ),
            ("a name of 64 bytes", Self.hello { $0 += [UInt8](repeating: 0x61, count: 64) }),
        ]
        for (name, bytes) in attacks {
            let pair = ChannelPair()
            #expect(throws: ChannelViolation.self, "\(name)") { _ = try pair.toHost(bytes) }
        }
        let pair = ChannelPair()
        let events = try pair.toHost(Self.hello { $0 += [UInt8](repeating: 0x61, count: 63) })
        #expect(events.count == 1)
    }

    @Test("never makes either end trap, whatever it sends") func garbage() throws {
        for seed in 0..<UInt64(2_000) {
            var random = SplitMix64(seed: seed)
            let pair = try ChannelPair.ready()
            let call = pair.host.open(ChannelTests.opening)
            _ = try pair.toWorker()
            var bytes: [UInt8] = []
            for _ in 0..<8 {
                let payload = random.bytes(Int.random(in: 0...40, using: &random))
                bytes += Self.frame(
                    UInt8.random(in: 0...12, using: &random), call: random.oneIn(4) ? 0 : call,
                    flags: random.oneIn(5) ? 1 : 0, payload)
            }
            if random.oneIn(2) { bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 0x81 }
            // Either end may accept or refuse; neither may trap, and what it accepts stays within the windows.
            _ = try? pair.toHost(bytes)
            _ = try? pair.toWorker(bytes)
            #expect(pair.host.output.count < 4_096 && pair.worker.output.count < 4_096, "replay with seed \(seed)")
        }
    }

    @Test("is told what it did wrong, in words") func words() {
        let violations: [ChannelViolation] = [
            .unknownType(12), .unknownFlags(type: 4, flags: 1), .wrongCall(type: 4, call: 0),
            .wrongLength(type: 4, byteCount: 9), .wrongMagic, .noSharedVersion(lowest: 1, highest: 2),
            .outOfRange(field: "window", value: 1), .malformedFields, .wrongMethod,
            .unexpected(type: 2, reason: "there is one READY"), .unknownCall(type: 4, call: 9), .tooManyCalls(limit: 8),
            .creditExceeded(call: 1), .creditOverflow(call: 1),
        ]
        for violation in violations {
            #expect(violation.description.hasSuffix("(Specs/worker-channel.md)"))
            #expect(violation.description.count > 40)
        }
    }
}
