import Identity
import Libp2p
import TestKit
import Testing

/// Two machines, a wire between them that cuts the bytes anywhere and holds them back as long as it likes, and
/// applications that do anything in any order. Each stream has a protocol id of its own, by which both sides know what
/// bytes to expect on it.
private final class Simulation {
    /// What one side's application knows of a stream.
    struct Stream {
        let tag: Int
        let isOpener: Bool
        var sent = 0
        var received = 0
        var unconsumed = 0
        var isFinished = false
        var isRemoteFinished = false
        var isEnded = false
    }

    final class Side {
        let node: Node
        var streams: [StreamID: Stream] = [:]
        var order: [StreamID] = []
        /// Bytes on the way to the other side.
        var wire: [UInt8] = []

        init(_ node: Node) { self.node = node }
    }

    static let tagCount = 60
    static let configuration: ConnectionConfiguration = {
        var configuration = ConnectionConfiguration()
        configuration.yamux.receiveBudgetBytes = 8_000_000
        configuration.yamux.maximumWindowBytes = 1_048_576
        configuration.yamux.acknowledgeBacklog = 10
        return configuration
    }()

    let seed: UInt64
    var random: SplitMix64
    var sides: [Side] = []
    var nextTag = 0
    /// Streams that one side reset: nothing is promised about the rest of their bytes.
    var abandoned: Set<Int> = []
    var failures: [String] = []

    init(seed: UInt64) throws {
        self.seed = seed
        self.random = SplitMix64(seed: seed)
        let supported = Set((0..<Self.tagCount).map { "/s/\($0)" })
        let listener = try Node(
            .listener, seed: seed &* 2 &+ 1, supported: supported, configuration: Self.configuration)
        let dialer = try Node(
            .dialer(expected: listener.keyPair.peerID), seed: seed &* 2, supported: supported,
            configuration: Self.configuration)
        self.sides = [Side(dialer), Side(listener)]
    }

    /// The byte at a place of a stream's content in one direction.
    static func byte(_ tag: Int, fromOpener: Bool, at index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8 &* 7 &+ tag &* 101 &+ (fromOpener ? 0 : 128))
    }

    func step() throws {
        let index = Int.random(in: 0...1, using: &self.random)
        let side = self.sides[index]
        switch Int.random(in: 0..<12, using: &self.random) {
        case 0 where self.nextTag < Self.tagCount: try self.open(side)
        case 1...3: self.write(side)
        case 4: self.finish(side)
        case 5...6: self.consume(side)
        case 7 where self.random.oneIn(8): self.reset(side)
        case 8: for side in self.sides { side.node.now += 3 }
        default: self.carry(from: index)
        }
        for side in self.sides { self.digest(side) }
    }

    private func open(_ side: Side) throws {
        let tag = self.nextTag
        self.nextTag += 1
        let proposals = self.random.oneIn(3) ? ["/none/1", "/s/\(tag)"] : ["/s/\(tag)"]
        let id = try side.node.machine.openStream(protocols: proposals, nowMilliseconds: side.node.now)
        side.streams[id] = Stream(tag: tag, isOpener: true)
        side.order.append(id)
    }

    private func any(_ side: Side) -> StreamID? { side.order.randomElement(using: &self.random) }

    private func write(_ side: Side, _ chosen: StreamID? = nil) {
        guard let id = chosen ?? self.any(side), var stream = side.streams[id], !stream.isFinished, !stream.isEnded
        else {
            return
        }
        let size = self.random.oneIn(6) ? Int.random(in: 1...300_000, using: &self.random) : 300
        let bytes = (stream.sent..<stream.sent + size).map {
            Self.byte(stream.tag, fromOpener: stream.isOpener, at: $0)
        }
        let taken = side.node.write(bytes, to: id)
        if taken > size { self.failures.append("took more than was written") }
        stream.sent += taken
        side.streams[id] = stream
    }

    func finish(_ side: Side, _ chosen: StreamID? = nil) {
        guard let id = chosen ?? self.any(side) else { return }
        side.node.machine.finish(id)
        side.streams[id]?.isFinished = true
    }

    private func reset(_ side: Side) {
        guard let id = self.any(side), let stream = side.streams[id], !stream.isEnded else { return }
        side.node.machine.reset(id)
        side.streams[id]?.isEnded = true
        self.abandoned.insert(stream.tag)
    }

    func consume(_ side: Side, _ chosen: StreamID? = nil) {
        guard let id = chosen ?? self.any(side), let stream = side.streams[id], stream.unconsumed > 0 else { return }
        let count = chosen == nil ? Int.random(in: 1...stream.unconsumed, using: &self.random) : stream.unconsumed
        side.streams[id]?.unconsumed -= count
        side.node.consume(count, on: id)
    }

    /// Takes output and delivers a piece of what is on the way.
    func carry(from index: Int, everything: Bool = false) {
        let side = self.sides[index]
        side.wire += side.node.output(enoughBytes: everything ? .max : .random(in: 1...200_000, using: &self.random))
        guard !side.wire.isEmpty else { return }
        let count = everything ? side.wire.count : Int.random(in: 1...side.wire.count, using: &self.random)
        self.sides[1 - index].node.receive(Array(side.wire.prefix(count)))
        side.wire.removeFirst(count)
    }

    /// Does what a shell does with effects, and checks every byte.
    func digest(_ side: Side) {
        for effect in side.node.takeEffects() {
            switch effect {
            case .incomingStream(let id, let name):
                guard let tag = Int(name.dropFirst(3)) else { continue }
                side.streams[id] = Stream(tag: tag, isOpener: false)
                side.order.append(id)
            case .data(let id, let bytes):
                guard var stream = side.streams[id], !stream.isEnded else { continue }
                for byte in bytes {
                    if byte != Self.byte(stream.tag, fromOpener: !stream.isOpener, at: stream.received) {
                        self.failures.append("wrong byte \(stream.received) of stream \(stream.tag)")
                        return
                    }
                    stream.received += 1
                }
                stream.unconsumed += bytes.count
                side.streams[id] = stream
            case .remoteFinished(let id): side.streams[id]?.isRemoteFinished = true
            case .streamEnded(let id, _):
                guard let stream = side.streams[id] else { continue }
                side.streams[id]?.isEnded = true
                if !self.abandoned.contains(stream.tag) { self.failures.append("stream \(stream.tag) ended") }
            case .closed(let end): self.failures.append("closed: \(end)")
            default: break
            }
        }
        let machine = side.node.unconsumedByteCount
        if machine > Self.configuration.yamux.receiveBudgetBytes { self.failures.append("over budget") }
        if side.node.queuedByteCount > side.order.count * Self.configuration.yamux.sendBufferBytes {
            self.failures.append("over the send buffers")
        }
    }

    /// Finishes every stream and lets everything arrive.
    func settle() {
        for _ in 0..<400 {
            for side in self.sides {
                for id in side.order {
                    self.consume(side, id)
                    if side.streams[id]?.isFinished == false { self.finish(side, id) }
                }
            }
            self.carry(from: 0, everything: true)
            self.carry(from: 1, everything: true)
            for side in self.sides { self.digest(side) }
        }
    }

    /// What is not as it must be after everything arrived.
    func verdict() -> [String] {
        var wrong = self.failures
        var sent: [Int: [Bool: Int]] = [:]
        for side in self.sides {
            for id in side.order {
                guard let stream = side.streams[id] else { continue }
                sent[stream.tag, default: [:]][stream.isOpener] = stream.sent
            }
        }
        for side in self.sides {
            if side.node.streamCount != 0 { wrong.append("\(side.node.streamCount) streams are left") }
            for id in side.order {
                guard let stream = side.streams[id], !self.abandoned.contains(stream.tag) else { continue }
                if !stream.isRemoteFinished { wrong.append("stream \(stream.tag) has no end") }
                if stream.received != sent[stream.tag]?[!stream.isOpener] {
                    wrong.append("stream \(stream.tag) lacks bytes")
                }
            }
        }
        return wrong
    }
}

@Suite("Two simulated connections") struct ConnectionSimulationTests {
    @Test("deliver every byte in order and once, and keep their bounds", arguments: 0..<40 as Range<UInt64>)
    func deliver(seed: UInt64) throws {
        let simulation = try Simulation(seed: seed)
        for _ in 0..<600 { try simulation.step() }
        simulation.settle()
        #expect(simulation.verdict() == [], "replay with seed \(seed)")
        #expect(simulation.nextTag > 10)
    }

    @Test("are not held up by the one stream of a hundred that nobody reads") func slowReader() throws {
        let (dialer, listener) = try connectedPair()
        let size = 600_000
        let ids = try (0..<100).map { _ in try dialer.open("/echo/1") }
        var left = [Int](repeating: size, count: 100)
        var received: [StreamID: Int] = [:]
        var slow: StreamID?
        let chunk = [UInt8](repeating: 5, count: 65_536)
        for _ in 0..<200 {
            for index in ids.indices where left[index] > 0 {
                left[index] -= dialer.write(Array(chunk.prefix(left[index])), to: ids[index])
            }
            listener.receive(dialer.output(enoughBytes: 1_000_000))
            for effect in listener.takeEffects() {
                if let incoming = effect.incoming, slow == nil { slow = incoming.id }
                guard case .data(let id, let bytes) = effect else { continue }
                received[id, default: 0] += bytes.count
                if id != slow { listener.consume(bytes.count, on: id) }
            }
            dialer.receive(listener.output())
        }
        let unread = try #require(slow)
        #expect(received.count == 100)
        #expect(received.filter { $0.key != unread }.allSatisfy { $0.value == size })
        // The negotiation took its 29 bytes of the window.
        #expect(received[unread] == YamuxConfiguration.initialWindowBytes - 29)
        #expect(listener.unconsumedByteCount == YamuxConfiguration.initialWindowBytes - 29)
        #expect(dialer.queuedByteCount <= YamuxConfiguration().sendBufferBytes)
    }
}
