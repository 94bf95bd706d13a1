import Libp2p
import TestKit
import Testing

/// A listener's session fed with frames of a dialer (odd numbers).
final class YamuxUnderTest {
    var session: YamuxSession
    var now: UInt64 = 1000
    var events: [YamuxEvent] = []

    init(_ configuration: YamuxConfiguration = YamuxConfiguration(), isDialer: Bool = false) {
        self.session = YamuxSession(configuration: configuration, isDialer: isDialer, nowMilliseconds: 1000)
    }

    func receive(_ bytes: [UInt8]) throws(YamuxFailure) {
        try self.session.receive(
            bytes[...], storageByteCount: bytes.count, nowMilliseconds: self.now, into: &self.events)
    }

    func write(_ bytes: [UInt8], to id: StreamID) -> Int { self.session.write(bytes[...], to: id) }

    func tick(_ nowMilliseconds: UInt64) -> Bool { self.session.tick(nowMilliseconds: nowMilliseconds) }

    func receive(_ frames: Frame...) throws(YamuxFailure) { try self.receive(frames.bytes) }

    /// Opens a stream of the peer with that number and accepts it.
    func opened(_ number: UInt32) throws -> StreamID {
        try self.receive(Frame(.windowUpdate, .synchronize, number))
        let id = try #require(self.events.compactMap(\.opened).last)
        self.session.accept(id)
        return id
    }

    /// Everything that the session sends now.
    func output(limit: Int = 65_519) throws -> [Frame] {
        var output: [UInt8] = []
        while self.session.appendFrames(to: &output, limit: limit, nowMilliseconds: self.now, into: &self.events) {}
        return try Frame.parse(output)
    }
}

extension YamuxEvent {
    var opened: StreamID? { if case .opened(let id) = self { id } else { nil } }
    var finished: StreamID? { if case .finished(let id) = self { id } else { nil } }
    var writable: StreamID? { if case .writable(let id) = self { id } else { nil } }
    var data: (id: StreamID, bytes: [UInt8])? {
        if case .data(let id, let bytes) = self { (id, Array(bytes)) } else { nil }
    }
    var ended: (id: StreamID, end: YamuxStreamEnd)? {
        if case .ended(let id, let end) = self { (id, end) } else { nil }
    }
    var roundTrip: UInt64? { if case .roundTripMeasured(let milliseconds) = self { milliseconds } else { nil } }
}

@Suite("A yamux session") struct YamuxSessionTests {
    @Test("opens with SYN, sends its bytes and ends with FIN") func opensAndEnds() throws {
        let test = YamuxUnderTest(isDialer: true)
        let id = try test.session.open()
        #expect(test.write([1, 2, 3], to: id) == 3)
        test.session.finish(id)
        #expect(test.write([4], to: id) == 0)
        #expect(
            try test.output() == [
                Frame(.windowUpdate, .synchronize, 1), Frame(data: [1, 2, 3], 1), Frame(.windowUpdate, .finish, 1),
            ])
        #expect(test.session.streamCount == 1)
        try test.receive(Frame(.windowUpdate, .acknowledge, 1), Frame(data: [9], .finish, 1))
        #expect(test.events.compactMap(\.data).map(\.bytes) == [[9]])
        #expect(test.events.compactMap(\.finished) == [id])
        #expect(test.session.streamCount == 1)  // Not yet read to its end.
        test.session.consumed(1, on: id, nowMilliseconds: test.now)
        #expect(test.session.streamCount == 0)
        #expect(test.session.windowByteCount == 0 && test.session.unconsumedByteCount == 0)
    }

    @Test("accepts with ACK on its first frame") func accepts() throws {
        let test = YamuxUnderTest()
        let id = try test.opened(1)
        #expect(try test.output() == [Frame(.windowUpdate, .acknowledge, 1)])
        _ = test.write([5], to: id)
        #expect(try test.output() == [Frame(data: [5], 1)])
    }

    @Test("never sends more than the peer has room for") func respectsCredit() throws {
        var configuration = YamuxConfiguration()
        configuration.sendBufferBytes = 1_000_000
        let test = YamuxUnderTest(configuration, isDialer: true)
        let id = try test.session.open()
        #expect(test.write([UInt8](repeating: 1, count: 300_000), to: id) == 300_000)
        let first = try test.output()
        #expect(first.map(\.body.count).reduce(0, +) == YamuxConfiguration.initialWindowBytes)
        #expect(first.map(\.body.count).max() == YamuxConfiguration.maximumBodyBytes)
        #expect(try test.output().isEmpty)
        try test.receive(Frame(.windowUpdate, 1, 1))
        #expect(try test.output().map(\.body.count) == [1])
        try test.receive(Frame(.windowUpdate, 1, .max), Frame(.windowUpdate, 1, .max))
        #expect(try test.output().map(\.body.count).reduce(0, +) == 300_000 - 262_145)
    }

    @Test("takes what fits its send buffer and says when there is room again") func boundsSendBuffer() throws {
        var configuration = YamuxConfiguration()
        configuration.sendBufferBytes = 1000
        let test = YamuxUnderTest(configuration, isDialer: true)
        let id = try test.session.open()
        let bytes = [UInt8](repeating: 1, count: 1001)
        #expect(test.write(bytes, to: id) == 1000)
        #expect(test.write([1], to: id) == 0)
        #expect(test.session.queuedByteCount == 1000)
        _ = try test.output()
        #expect(test.events.compactMap(\.writable) == [id])
        #expect(test.session.queuedByteCount == 0)
    }

    @Test("opens the window again only for what was consumed, from half a window on") func reopensWindow() throws {
        let test = YamuxUnderTest()
        let id = try test.opened(1)
        _ = try test.output()
        let window = YamuxConfiguration.initialWindowBytes
        try test.receive(Frame(data: [UInt8](repeating: 0, count: window), 1))
        #expect(try test.output().isEmpty)
        test.session.consumed(window / 2 - 1, on: id, nowMilliseconds: test.now)
        #expect(try test.output().isEmpty)
        test.session.consumed(1, on: id, nowMilliseconds: test.now)
        #expect(try test.output() == [Frame(.windowUpdate, 1, UInt32(window / 2))])
    }

    @Test("grows the window of a reader that is faster than four round trips, and not of a slow one")
    func growsWindow() throws {
        for (elapsed, isGrowing) in [(UInt64(199), true), (200, false)] {
            let test = YamuxUnderTest()
            try test.answerPing(after: 50)
            let id = try test.opened(1)
            _ = try test.output()
            let half = YamuxConfiguration.initialWindowBytes / 2
            try test.receive(Frame(data: [UInt8](repeating: 0, count: half), 1))
            test.now += elapsed
            test.session.consumed(half, on: id, nowMilliseconds: test.now)
            #expect(test.session.windowByteCount == (isGrowing ? 4 : 2) * half, "after \(elapsed) ms")
        }
    }

    @Test("grows a window to 16 MiB and not beyond its budget") func boundsWindow() throws {
        for (budget, expected) in [(67_108_864, 16_777_216), (3_000_000, 2_097_152)] {
            var configuration = YamuxConfiguration()
            configuration.receiveBudgetBytes = budget
            let test = YamuxUnderTest(configuration)
            try test.answerPing(after: 50)
            let id = try test.opened(1)
            for _ in 0..<40 {
                _ = try test.output()
                let half = test.session.windowByteCount / 2
                try test.receive(Frame(data: [UInt8](repeating: 0, count: half), 1))
                test.now += 1
                test.session.consumed(half, on: id, nowMilliseconds: test.now)
            }
            #expect(test.session.windowByteCount == expected)
        }
    }

    @Test("lets other streams have their turn between bodies of 16 KiB") func sharesFairly() throws {
        let test = YamuxUnderTest(isDialer: true)
        let ids = try (0..<3).map { _ in try test.session.open() }
        for id in ids { _ = test.write([UInt8](repeating: 0, count: 40_000), to: id) }
        let bodies = try test.output().filter { $0.header.kind == .data }
        #expect(bodies.prefix(3).map(\.header.number) == [1, 3, 5])
        #expect(bodies.prefix(3).allSatisfy { $0.body.count == YamuxConfiguration.sharedBodyBytes })
        #expect(bodies.map(\.body.count).reduce(0, +) == 120_000)
    }

    @Test("fills a record to its end when one stream sends") func fillsRecord() throws {
        let test = YamuxUnderTest(isDialer: true)
        let id = try test.session.open()
        _ = try test.output()
        _ = test.write([UInt8](repeating: 0, count: 200_000), to: id)
        var output: [UInt8] = []
        _ = test.session.appendFrames(to: &output, limit: 65_519, nowMilliseconds: 1000, into: &test.events)
        #expect(output.count == 65_519)
        #expect(try Frame.parse(output).map(\.body.count) == [65_507])
    }

    @Test("has at most 256 streams that the peer has not accepted") func boundsBacklog() throws {
        let test = YamuxUnderTest(isDialer: true)
        for _ in 0..<300 { _ = try test.session.open() }
        #expect(try test.output().count == 256)
        try test.receive(Frame(.windowUpdate, .acknowledge, 1), Frame(.windowUpdate, .reset, 3))
        #expect(try test.output().map(\.header.number) == [513, 515])
        // A stream that waits and is given up never reaches the wire.
        #expect(test.session.streamCount == 299)
    }

    @Test("opens as many streams as it may and no more") func boundsOutboundStreams() throws {
        var configuration = YamuxConfiguration()
        configuration.outboundStreamLimit = 3
        let test = YamuxUnderTest(configuration, isDialer: true)
        let ids = try (0..<3).map { _ in try test.session.open() }
        #expect(throws: StreamOpenFailure.tooManyStreams(limit: 3)) { try test.session.open() }
        test.session.reset(ids[1])
        #expect(try test.session.open() != ids[1])
        #expect(try test.output().map(\.header.number) == [1, 5, 7])  // Number 3 was never introduced.
    }

    @Test("opens streams up to the last number, 2^32 - 1") func usesNumbersUp() throws {
        var session = YamuxSession(isDialer: true, firstNumber: .max - 2, nowMilliseconds: 0)
        for _ in 0..<2 { _ = try session.open() }
        var output: [UInt8] = []
        var events: [YamuxEvent] = []
        _ = session.appendFrames(to: &output, limit: 100, nowMilliseconds: 0, into: &events)
        #expect(try Frame.parse(output).map(\.header.number) == [.max - 2, .max])
        #expect(throws: StreamOpenFailure.numbersExhausted) { try session.open() }
    }

    @Test("does not confuse a stream with the one whose place it took") func namesAreUnique() throws {
        let test = YamuxUnderTest()
        let first = try test.opened(1)
        try test.receive(Frame(.windowUpdate, .reset, 1))
        let second = try test.opened(1)
        #expect(first != second)
        #expect(test.write([1], to: first) == 0)
        test.session.reset(first)
        #expect(test.session.streamCount == 1)
        #expect(test.write([1], to: second) == 1)
    }

    @Test("measures the round trip and answers pings with their value") func pings() throws {
        let test = YamuxUnderTest()
        try test.answerPing(after: 42)
        #expect(test.events.compactMap(\.roundTrip) == [42])
        #expect(test.session.roundTripMilliseconds == 42)
        try test.receive(Frame(.ping, .synchronize, 0, 0xdead_beef))
        #expect(try test.output() == [Frame(.ping, .acknowledge, 0, 0xdead_beef)])
    }

    @Test("asks a silent peer after 30 s and gives it up 10 s later") func keepsAlive() throws {
        let test = YamuxUnderTest()
        try test.answerPing(after: 1)
        let answered = test.now
        #expect(test.session.nextDeadlineMilliseconds == answered + 30_000)
        test.now = answered + 30_000
        #expect(test.tick(test.now))
        #expect(try test.output().map(\.header.kind) == [.ping])
        #expect(test.session.nextDeadlineMilliseconds == answered + 40_000)
        #expect(test.tick(answered + 39_999))
        #expect(!test.tick(answered + 40_000))
    }

    @Test("takes any byte of the peer for a sign of life") func anyByteIsLife() throws {
        let test = YamuxUnderTest()
        _ = test.tick(1000)
        _ = try test.output()
        test.now = 9000
        try test.receive(Array(Frame(.windowUpdate, 77).bytes.prefix(1)))
        #expect(test.tick(18_999))
        #expect(!test.tick(19_000))
    }
}

extension YamuxUnderTest {
    /// Lets the first ping be sent and answered.
    func answerPing(after milliseconds: UInt64) throws {
        #expect(self.tick(self.now))
        let ping = try #require(try self.output().first { $0.header.kind == .ping })
        self.now += milliseconds
        try self.receive(Frame(.ping, .acknowledge, 0, ping.header.length))
    }
}
