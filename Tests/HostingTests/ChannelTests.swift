import TestKit
import Testing
import WorkerChannel

/// Two ends of a channel with a wire between them, in memory.
final class ChannelPair {
    var host: WorkerChannel
    var worker: WorkerChannel

    init(window: UInt32 = 16_384, calls: UInt32 = 8) {
        self.host = WorkerChannel(role: .host, hello: ChannelHello(windowBytes: window, calls: calls, name: "w"))
        self.worker = WorkerChannel(role: .worker, hello: ChannelHello(windowBytes: window, calls: 64, name: "sdk"))
    }

    /// Exchanges the hellos and READY.
    static func ready(window: UInt32 = 16_384, calls: UInt32 = 8) throws -> ChannelPair {
        let pair = ChannelPair(window: window, calls: calls)
        _ = try pair.toWorker()
        pair.worker.becomeReady()
        _ = try pair.toHost()
        return pair
    }

    func toWorker() throws -> [WorkerChannel.Event] { try Self.move(&self.host, &self.worker) }
    func toHost() throws -> [WorkerChannel.Event] { try Self.move(&self.worker, &self.host) }

    func hostCanSend(_ call: UInt32) -> Bool { self.host.canSend(call) }
    func workerCanSend(_ call: UInt32) -> Bool { self.worker.canSend(call) }
    func hostPing(_ token: UInt64) -> Bool { self.host.ping(token) }
    func toHost(_ bytes: [UInt8]) throws -> [WorkerChannel.Event] { try self.host.receive(bytes) }
    func toWorker(_ bytes: [UInt8]) throws -> [WorkerChannel.Event] { try self.worker.receive(bytes) }

    private static func move(
        _ from: inout WorkerChannel, _ to: inout WorkerChannel
    ) throws -> [WorkerChannel.Event] {
        try to.receive(from.takeOutput())
    }
}

extension WorkerChannel {
    mutating func receive(_ bytes: [UInt8]) throws -> [Event] {
        var events: [Event] = []
        try self.receive(bytes.span.bytes, into: &events)
        return events
    }
}

@Suite("The worker channel") struct ChannelTests {
    static let opening = ChannelOpening(
        method: "m.a/b-c_9", deadlineMilliseconds: 7, caller: [1, 2], idempotencyKey: [3], traceParent: "00-ab",
        attempt: 2)

    @Test("greets, carries a call in both directions and ends it") func oneCall() throws {
        let pair = ChannelPair()
        #expect(!pair.host.canOpen)
        var events = try pair.toWorker()
        #expect(events == [.connected(ChannelHello(windowBytes: 16_384, calls: 8, name: "w"))])
        pair.worker.becomeReady()
        events = try pair.toHost()
        #expect(events == [.connected(ChannelHello(windowBytes: 16_384, calls: 64, name: "sdk")), .ready])
        #expect(pair.host.callLimit == 8)
        let call = pair.host.open(Self.opening)
        pair.host.send([1, 2, 3], in: call)
        pair.host.send([], in: call)
        pair.host.finish(call)
        events = try pair.toWorker()
        #expect(
            events == [
                .opened(call: call, Self.opening), .message(call: call, [1, 2, 3]), .message(call: call, []),
                .inputFinished(call: call),
            ])
        pair.worker.send([9], in: call)
        pair.worker.end(call, ChannelEnd(code: 2, text: "no", mayRetryElsewhere: true))
        events = try pair.toHost()
        #expect(
            events == [
                .message(call: call, [9]),
                .ended(call: call, ChannelEnd(code: 2, text: "no", mayRetryElsewhere: true)),
            ])
        #expect(pair.host.callCount == 0)
        #expect(pair.worker.callCount == 0)
    }

    @Test("gives the same events however the bytes are cut") func anyCut() throws {
        let pair = try ChannelPair.ready(window: 65_536)
        let call = pair.host.open(Self.opening)
        var random = SplitMix64(seed: 3)
        for size in [0, 1, 100, 5_000] { pair.host.send(random.bytes(size), in: call) }
        pair.host.finish(call)
        let bytes = pair.host.takeOutput()
        var whole = pair.worker
        let expected = try whole.receive(bytes)
        for seed in 0..<UInt64(50) {
            var random = SplitMix64(seed: seed)
            var cut = pair.worker
            var events: [WorkerChannel.Event] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(rest.count, random.oneIn(2) ? 9 : 2_000), using: &random)
                events += try cut.receive(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(events == expected, "replay with seed \(seed)")
        }
    }

    @Test("lets no more out than the window and one message, and goes on when there is credit") func flowControl()
        throws
    {
        let pair = try ChannelPair.ready(window: 16_384)
        let call = pair.host.open(Self.opening)
        var sent = 0
        while pair.host.canSend(call) {
            pair.host.send([UInt8](repeating: 0, count: 1_000), in: call)
            sent += 1_000 + ChannelLimits.messageOverheadBytes
        }
        #expect(sent >= 16_384 && sent < 16_384 + 1_016)
        let messages = try pair.toWorker().count - 1
        for _ in 0..<messages { pair.worker.consumed(1_000, in: call) }
        let events = try pair.toHost()
        #expect(events == [.writable(call: call)])
        #expect(pair.hostCanSend(call))
    }

    @Test("never stalls, whatever is sent, taken, cancelled and ended") func simulation() throws {
        for seed in 0..<UInt64(200) {
            var random = SplitMix64(seed: seed)
            var run = ChannelSimulation(pair: try ChannelPair.ready(window: 16_384, calls: 4))
            for _ in 0..<400 { try run.step(&random) }
            try run.drain()
            #expect(run.pair.host.callCount == 0, "replay with seed \(seed)")
            #expect(run.pair.worker.callCount == 0, "replay with seed \(seed)")
            #expect(run.problems.isEmpty, "\(run.problems); replay with seed \(seed)")
        }
    }

    @Test("refuses calls beyond the smaller limit") func callLimit() throws {
        let pair = try ChannelPair.ready(calls: 2)
        let first = pair.host.open(Self.opening)
        _ = pair.host.open(Self.opening)
        #expect(!pair.host.canOpen)
        _ = try pair.toWorker()
        pair.worker.end(first, ChannelEnd(code: 0))
        _ = try pair.toHost()
        #expect(pair.host.canOpen)
    }

    @Test("drops what a cancelled call still sends, and waits for its end") func cancelling() throws {
        let pair = try ChannelPair.ready()
        let call = pair.host.open(Self.opening)
        _ = try pair.toWorker()
        pair.worker.send([1], in: call)
        pair.host.cancel(call, code: 4)
        #expect(try pair.toHost().isEmpty)
        #expect(pair.host.callCount == 1)
        #expect(try pair.toWorker() == [.cancelled(call: call, code: 4)])
        #expect(!pair.workerCanSend(call))
        pair.worker.end(call, ChannelEnd(code: 1))
        #expect(try pair.toHost() == [.ended(call: call, ChannelEnd(code: 1))])
    }

    @Test("ignores what was on its way to a call that the worker ended") func lateFrames() throws {
        let pair = try ChannelPair.ready()
        let call = pair.host.open(Self.opening)
        _ = try pair.toWorker()
        pair.worker.end(call, ChannelEnd(code: 0))
        pair.host.send([1], in: call)
        pair.host.finish(call)
        pair.host.cancel(call, code: 1)
        #expect(try pair.toWorker().isEmpty)
        #expect(try pair.toHost() == [.ended(call: call, ChannelEnd(code: 0))])
    }

    @Test("answers a ping, and takes one pong a ping") func ping() throws {
        let pair = try ChannelPair.ready()
        #expect(pair.hostPing(5))
        #expect(!pair.hostPing(6))
        #expect(try pair.toWorker().isEmpty)
        #expect(try pair.toHost() == [.ponged])
        #expect(pair.hostPing(7))
    }

    @Test("opens nothing after a stop, and finishes what is open") func stop() throws {
        let pair = try ChannelPair.ready()
        let call = pair.host.open(Self.opening)
        pair.host.stop()
        #expect(!pair.host.canOpen)
        let events = try pair.toWorker()
        #expect(events == [.opened(call: call, Self.opening), .stopping])
        pair.worker.end(call, ChannelEnd(code: 0))
        #expect(try pair.toHost() == [.ended(call: call, ChannelEnd(code: 0))])
    }

    @Test("cuts a text at a character's end", arguments: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    func cutting(limit: Int) {
        let text = "aäß€😀z"
        let cut = text.cut(toBytes: limit)
        #expect(cut.utf8.count <= limit)
        #expect(text.hasPrefix(cut))
        #expect(!cut.unicodeScalars.contains("\u{FFFD}"))
        #expect(limit - cut.utf8.count < 4)
    }
}

/// Random traffic between two honest ends.
struct ChannelSimulation {
    var pair: ChannelPair
    var problems: [String] = []
    private var hostCalls: [UInt32: (sent: Int, isFinished: Bool)] = [:]
    private var workerCalls: [UInt32: (received: Int, isCancelled: Bool)] = [:]
    private var workerInbox: [(call: UInt32, count: Int)] = []
    private var hostInbox: [(call: UInt32, count: Int)] = []

    init(pair: ChannelPair) { self.pair = pair }

    mutating func step(_ random: inout SplitMix64) throws {
        switch Int.random(in: 0..<9, using: &random) {
        case 0: if self.pair.host.canOpen { self.hostCalls[self.pair.host.open(ChannelTests.opening)] = (0, false) }
        case 1, 2:
            guard let call = self.hostCalls.keys.sorted().randomElement(using: &random) else { return }
            guard self.hostCalls[call]?.isFinished == false, self.pair.host.canSend(call) else { return }
            self.pair.host.send(random.bytes(Int.random(in: 0...9_000, using: &random)), in: call)
        case 3:
            guard let call = self.hostCalls.keys.sorted().randomElement(using: &random) else { return }
            if random.oneIn(4) {
                self.pair.host.cancel(call, code: 1)
            } else {
                self.pair.host.finish(call)
            }
            self.hostCalls[call]?.isFinished = true
        case 4:
            guard let call = self.workerCalls.keys.sorted().randomElement(using: &random) else { return }
            if self.pair.worker.canSend(call) {
                self.pair.worker.send(random.bytes(Int.random(in: 0...9_000, using: &random)), in: call)
            }
        case 5:
            guard let call = self.workerCalls.keys.sorted().randomElement(using: &random), random.oneIn(3) else {
                return
            }
            self.endFromWorker(call)
        case 6: try self.moveToWorker()
        case 7: try self.moveToHost()
        default: self.consume()
        }
    }

    /// Lets everything in progress come to its end.
    mutating func drain() throws {
        for call in self.hostCalls.keys.sorted() { self.pair.host.finish(call) }
        for _ in 0..<1_000 where self.pair.host.callCount > 0 {
            try self.moveToWorker()
            self.consume()
            for call in self.workerCalls.keys.sorted() { self.endFromWorker(call) }
            try self.moveToHost()
        }
        try self.moveToWorker()
    }

    private mutating func endFromWorker(_ call: UInt32) {
        self.pair.worker.end(call, ChannelEnd(code: 0))
        self.workerCalls.removeValue(forKey: call)
    }

    private mutating func consume() {
        for item in self.workerInbox { self.pair.worker.consumed(item.count, in: item.call) }
        for item in self.hostInbox { self.pair.host.consumed(item.count, in: item.call) }
        self.workerInbox = []
        self.hostInbox = []
    }

    private mutating func moveToWorker() throws {
        for event in try self.pair.toWorker() {
            switch event {
            case .opened(let call, _): self.workerCalls[call] = (0, false)
            case .message(let call, let message): self.workerInbox.append((call, message.count))
            case .inputFinished, .writable: break
            case .cancelled(let call, _): self.endFromWorker(call)
            default: self.problems.append("\(event) at the worker")
            }
        }
    }

    private mutating func moveToHost() throws {
        for event in try self.pair.toHost() {
            switch event {
            case .message(let call, let message): self.hostInbox.append((call, message.count))
            case .ended(let call, _): self.hostCalls.removeValue(forKey: call)
            case .writable: break
            default: self.problems.append("\(event) at the host")
            }
        }
    }
}
