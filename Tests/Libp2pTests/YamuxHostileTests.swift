import Libp2p
import TestKit
import Testing
import Wire

/// Every reaction of Specs/libp2p.md, section 5.6. The session is a listener's: the peer's streams have odd numbers.
@Suite("A yamux session with a hostile peer") struct YamuxHostileTests {
    static let window = UInt32(YamuxConfiguration.initialWindowBytes)

    struct Breach: CustomTestStringConvertible {
        let testDescription: String
        let frames: [UInt8]
        let failure: YamuxFailure

        init(_ name: String, _ frames: [Frame], _ failure: YamuxFailure) {
            self.testDescription = name
            self.frames = frames.bytes
            self.failure = failure
        }
        init(_ name: String, bytes: [UInt8], _ failure: YamuxFailure) {
            self.testDescription = name
            self.frames = bytes
            self.failure = failure
        }
    }

    static let breaches: [Breach] = [
        Breach("version 1", bytes: [1, 0] + [UInt8](repeating: 0, count: 10), .unknownVersion(1)),
        Breach("type 9", bytes: [0, 9] + [UInt8](repeating: 0, count: 10), .unknownKind(9)),
        Breach("a stream of our parity", [Frame(.windowUpdate, .synchronize, 2)], .wrongStreamNumber(2)),
        Breach("stream zero", [Frame(.windowUpdate, .synchronize, 0)], .wrongStreamNumber(0)),
        Breach(
            "a stream opened twice", [Frame(.windowUpdate, .synchronize, 1), Frame(.windowUpdate, .synchronize, 1)],
            .duplicateStream(1)),
        Breach(
            "one byte over the window", [Frame(.windowUpdate, .synchronize, 1), Frame(.data, 1, window + 1)],
            .windowExceeded(number: 1, byteCount: window + 1, credit: Int(window))),
        Breach(
            "4 GiB over the window", [Frame(.windowUpdate, .synchronize, 1), Frame(.data, 1, .max)],
            .windowExceeded(number: 1, byteCount: .max, credit: Int(window))),
        Breach(
            "a first frame over the window", [Frame(.data, .synchronize, 1, window + 1)],
            .windowExceeded(number: 1, byteCount: window + 1, credit: Int(window))),
        Breach("an unknown farewell", [Frame(.goAway, 0, 99)], .unknownGoAway(99)),
        Breach("a farewell on a stream", [Frame(.goAway, 1, 0)], .sessionFrameOnStream(1)),
        Breach("a ping on a stream", [Frame(.ping, .synchronize, 1, 0)], .sessionFrameOnStream(1)),
    ]

    @Test("ends at a breach", arguments: breaches) func ends(breach: Breach) {
        for size in [1, 5, 12, Int.max] {
            let test = YamuxUnderTest()
            #expect(throws: breach.failure) {
                for start in stride(from: 0, to: breach.frames.count, by: min(size, breach.frames.count)) {
                    try test.receive(Array(breach.frames[start...].prefix(size)))
                }
            }
        }
    }

    struct Tolerated: CustomTestStringConvertible {
        let testDescription: String
        let frames: [Frame]
        let answer: [Frame]

        init(_ name: String, _ frames: [Frame], answer: [Frame] = []) {
            self.testDescription = name
            self.frames = frames
            self.answer = answer
        }
    }

    static let tolerated: [Tolerated] = [
        Tolerated("data of an unknown stream", [Frame(data: [1, 2, 3], 7)]),
        Tolerated("data of no stream", [Frame(data: [1, 2, 3], 0)]),
        Tolerated(
            "credit, reset, accept and end of unknown streams",
            [
                Frame(.windowUpdate, 7, .max), Frame(.windowUpdate, .reset, 9), Frame(.windowUpdate, .acknowledge, 4),
                Frame(.windowUpdate, .finish, 3), Frame(.windowUpdate, 0, 5),
            ]),
        Tolerated("an answer to no ping", [Frame(.ping, .acknowledge, 0, 5)]),
        Tolerated("a ping without flags", [Frame(.ping, 0, 5)]),
        Tolerated(
            "all flags at once", [Frame(.windowUpdate, [.synchronize, .acknowledge, .finish, .reset], 1)]),
        Tolerated(
            "unknown flags", [Frame(.ping, YamuxHeader.Flags(rawValue: 0xfff1), 0, 1)],
            answer: [Frame(.ping, .acknowledge, 0, 1)]),
        Tolerated(
            "a finish with a reset",
            [
                Frame(.windowUpdate, .synchronize, 1), Frame(.data, [.finish, .reset], 1),
            ]),
        Tolerated(
            "a farewell, and then a stream",
            [
                Frame(.goAway, 0, 0), Frame(.windowUpdate, .synchronize, 1), Frame(.windowUpdate, .reset, 1),
            ]),
        Tolerated(
            "20,000 frames of nothing",
            [Frame(.windowUpdate, .synchronize, 1)]
                + [Frame](repeating: Frame(.data, 1), count: 20_000) + [Frame(.windowUpdate, .reset, 1)]),
        Tolerated(
            "5,000 pings", (0..<5000).map { Frame(.ping, .synchronize, 0, $0) },
            answer: (0..<5000).map { Frame(.ping, .acknowledge, 0, $0) }),
    ]

    @Test("goes on after what does no harm", arguments: tolerated) func goesOn(case tolerated: Tolerated) throws {
        let test = YamuxUnderTest()
        try test.receive(tolerated.frames.bytes)
        #expect(try test.output() == tolerated.answer)
        #expect(test.session.streamCount == 0)
        let id = try test.opened(11)
        try test.receive(Frame(data: [1], 11))
        #expect(test.events.last?.data?.id == id)
    }

    @Test("resets a stream that goes on after its end, and only that") func dataAfterFinish() throws {
        let test = YamuxUnderTest()
        let other = try test.opened(3)
        let id = try test.opened(1)
        _ = try test.output()
        try test.receive(
            Frame(.windowUpdate, .finish, 1), Frame(data: [1, 2], 1), Frame(data: [7], 3), Frame(.data, .finish, 1))
        #expect(test.events.compactMap(\.ended).map(\.id) == [id])
        #expect(test.events.compactMap(\.ended).map(\.end) == [.dataAfterFinish])
        #expect(test.events.compactMap(\.data).map(\.id) == [other])
        #expect(try test.output() == [Frame(.windowUpdate, .reset, 1)])
    }

    @Test("survives windows beyond every integer") func overflowsWindow() throws {
        let test = YamuxUnderTest()
        try test.receive(Frame(.windowUpdate, .synchronize, 1, .max))
        for _ in 0..<1000 { try test.receive(Frame(.windowUpdate, 1, .max)) }
        let id = try #require(test.events.compactMap(\.opened).first)
        test.session.accept(id)
        #expect(test.write([1], to: id) == 1)
        #expect(try test.output().last == Frame(data: [1], 1))
    }

    @Test("accepts 256 streams that are not yet answered and resets the others") func boundsUnaccepted() throws {
        let test = YamuxUnderTest()
        for index in 0..<2000 { try test.receive(Frame(.windowUpdate, .synchronize, UInt32(2 * index + 1))) }
        #expect(test.events.compactMap(\.opened).count == 256)
        let answer = try test.output()
        #expect(answer.count == 2000 - 256)
        #expect(answer.allSatisfy { $0.header.flags == .reset })
    }

    @Test("keeps no more streams open than it may") func boundsInbound() throws {
        var configuration = YamuxConfiguration()
        configuration.inboundStreamLimit = 10
        let test = YamuxUnderTest(configuration)
        for index in 0..<10 { _ = try test.opened(UInt32(2 * index + 1)) }
        _ = try test.output()
        // Its data goes with it.
        try test.receive(Frame(data: [1, 2, 3], .synchronize, 101), Frame(.ping, .synchronize, 0, 1))
        #expect(try test.output() == [Frame(.windowUpdate, .reset, 101), Frame(.ping, .acknowledge, 0, 1)])
        #expect(test.session.streamCount == 10)
    }

    @Test("ends when more than 128 KiB of answers are asked for and not read") func boundsControl() throws {
        let test = YamuxUnderTest()
        let ping = Frame(.ping, .synchronize, 0, 1).bytes
        let fitting = YamuxConfiguration().controlQueueBytes / 12
        try test.receive((0..<fitting).flatMap { _ in ping })
        #expect(throws: YamuxFailure.controlFlood(limitBytes: 131_072)) { try test.receive(ping) }
    }

    @Test("ends when streams are opened only to be reset") func boundsResets() throws {
        let test = YamuxUnderTest()
        let pair = { (index: Int) in
            [Frame(.windowUpdate, .synchronize, UInt32(2 * index + 1)), Frame(.data, .reset, UInt32(2 * index + 1))]
                .bytes
        }
        for index in 0..<1000 { try test.receive(pair(index)) }
        test.now += 5  // One more by now.
        try test.receive(pair(1000))
        #expect(throws: YamuxFailure.resetFlood(limitPerSecond: 200)) { try test.receive(pair(1001)) }
    }

    @Test("resets the stream that would exceed the budget for unread data, and no other") func boundsUnread() throws {
        var configuration = YamuxConfiguration()
        configuration.receiveBudgetBytes = 600_000
        let test = YamuxUnderTest(configuration)
        let ids = try (0..<3).map { try test.opened(UInt32(2 * $0 + 1)) }
        _ = try test.output()
        let body = [UInt8](repeating: 0, count: Int(Self.window))
        for index in 0..<3 { try test.receive(Frame(data: body, UInt32(2 * index + 1))) }
        #expect(test.events.compactMap(\.ended).map(\.id) == [ids[2]])
        #expect(test.events.compactMap(\.ended).map(\.end) == [.receiveBudgetExceeded])
        #expect(test.session.unconsumedByteCount == 2 * Int(Self.window))
        #expect(try test.output() == [Frame(.windowUpdate, .reset, 5)])
    }

    @Test("keeps little more than the bytes that came, however they are cut") func boundsStorage() throws {
        let test = YamuxUnderTest()
        _ = try test.opened(1)
        // One byte for a stream in a large buffer that otherwise is dropped.
        let wire = [Frame(data: [1], 1), Frame(data: [UInt8](repeating: 0, count: 60_000), 7)].bytes
        try test.receive(wire)
        guard case .data(_, let slice)? = test.events.last else {
            Issue.record("no data")
            return
        }
        #expect(slice.startIndex == 0)  // A copy of its own.
    }

    @Test("never traps, whatever comes", arguments: 0..<300 as Range<UInt64>) func survivesGarbage(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let test = YamuxUnderTest(isDialer: random.oneIn(2))
        var ids: [StreamID] = []
        do throws(YamuxFailure) {
            for _ in 0..<400 {
                try test.receive(Self.randomFrame(&random))
                ids += test.events.compactMap(\.opened)
                Self.act(on: test, &ids, &random)
                #expect(test.session.unconsumedByteCount <= 67_108_864, "seed \(seed)")
                #expect(test.session.streamCount <= 2048, "seed \(seed)")
            }
        } catch {
            #expect(!error.description.isEmpty)
        }
    }

    private static func randomFrame(_ random: inout SplitMix64) -> [UInt8] {
        let kinds: [UInt8] = random.oneIn(50) ? [4, 255] : [0, 0, 0, 1, 1, 1, 2, 3]
        let numbers: [UInt32] = [0, 1, 2, 3, 4, 5, 7, .max, .max - 1]
        let lengths: [UInt32] = [0, 1, 10, 100, 100, 1000, 262_144, .max]
        let kind = kinds.randomElement(using: &random) ?? 0
        let flags = UInt16.random(in: 0...15, using: &random) & UInt16.random(in: 0...15, using: &random)
        var frame: [UInt8] = [random.oneIn(200) ? 1 : 0, kind]
        frame.appendBigEndian(flags)
        frame.appendBigEndian(numbers.randomElement(using: &random) ?? 0)
        let length = kind == 3 ? 0 : lengths.randomElement(using: &random) ?? 0
        frame.appendBigEndian(length)
        if kind == 0, length <= 1000 { frame += random.bytes(Int(length)) }
        return frame
    }

    private static func act(on test: YamuxUnderTest, _ ids: inout [StreamID], _ random: inout SplitMix64) {
        for case .data(let id, let bytes) in test.events where random.oneIn(2) {
            test.session.consumed(bytes.count, on: id, nowMilliseconds: test.now)
        }
        test.events.removeAll()
        if random.oneIn(4), let id = try? test.session.open() { ids.append(id) }
        if let id = ids.randomElement(using: &random) {
            switch UInt64.random(in: 0..<5, using: &random) {
            case 0: test.session.accept(id)
            case 1: _ = test.write(random.bytes(100), to: id)
            case 2: test.session.finish(id)
            case 3: test.session.reset(id)
            default: break
            }
        }
        test.now += .random(in: 0...100, using: &random)
        if random.oneIn(3) {
            var output: [UInt8] = []
            _ = test.session.appendFrames(
                to: &output, limit: .random(in: 12...2000, using: &random), nowMilliseconds: test.now,
                into: &test.events)
        }
    }
}
