import Identity
import Libuv
import Overlay
import Wire

private let sinkProtocol = "/dsmp-bench/sink/1"
private let chunkByteCount = 1 << 20
private let connectCount = 50
private let pingCount = 2_000
private let streamByteCount = 512 << 20
private let streamRunCount = 5

/// The first argument that makes this program the other side of ``overlayBenchmark()``.
let overlayPeerArgument = "--overlay-peer"

/// Two hosts in two processes over loopback: from connecting to identified, ping, one-way throughput of a stream.
func overlayBenchmark() async throws -> Report {
    var report = Report()
    let peer = try await PeerProcess()
    var connects: [Double] = []
    for index in 0..<connectCount {
        let client = try await BenchHost(seed: UInt8(10 + index))
        let milliseconds = try await client.onLoop {
            let start = MonotonicClock.nowNanoseconds
            try await client.host.connect(to: peer.address)
            _ = try await client.host.description(of: peer.peerID)
            return Double(MonotonicClock.nowNanoseconds - start) / 1e6
        }
        connects.append(milliseconds)
        await client.stop()
    }
    report.add("connect to identified", connects, unit: "ms")

    let client = try await BenchHost(seed: 2)
    try await client.host.connect(to: peer.address)
    let pings = try await client.onLoop {
        let stream = try await client.host.openPing(to: peer.peerID)
        var times: [Double] = []
        for _ in 0..<pingCount { times.append(Double(try await stream.ping()) / 1e6) }
        stream.close()
        return times
    }
    report.add("ping", pings, unit: "ms")

    var rates: [Double] = []
    for _ in 0..<streamRunCount {
        let start = MonotonicClock.nowNanoseconds
        try await client.onLoop {
            let stream = try await client.host.openStream(to: peer.peerID, protocols: [sinkProtocol])
            let chunk = [UInt8](repeating: 0x5A, count: chunkByteCount)
            for _ in 0..<(streamByteCount / chunkByteCount) { try await stream.write(chunk) }
            stream.finishWriting()
            _ = try await stream.readExactly(1)
        }
        rates.append(Double(streamByteCount) / 1e6 / (Double(MonotonicClock.nowNanoseconds - start) / 1e9))
    }
    report.add("one-way stream", rates, unit: "MB/s")
    await client.stop()
    await peer.stop()
    return report
}

/// The other side: listens, prints its address, and ends when its standard input does.
func overlayPeer() async throws {
    let server = try await BenchHost(seed: 1)
    _ = try await server.host.listen(on: Multiaddr("/ip4/127.0.0.1/tcp/0"))
    await server.host.handle(sinkProtocol) { stream in
        while try await stream.read(upTo: chunkByteCount) != nil {}
        try await stream.write([1])
    }
    let text = await server.host.addresses.first?.description ?? ""
    let pipe = try await PipeActor(adopting: 0, on: server.loop)
    await pipe.send(Array(text.utf8) + [10])
    _ = await pipe.readLine()  // Never comes: nil at the end.
    await server.stop()
}

/// A host on a loop of its own.
private struct BenchHost: Sendable {
    let host: Host
    let loop: EventLoop

    init(seed: UInt8) async throws {
        self.loop = EventLoop()
        self.host = try Host(identity: KeyPair(seed: [UInt8](repeating: seed, count: 32)), on: self.loop)
        await self.host.start()
    }

    func onLoop<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
        try await Task(executorPreference: self.loop.taskExecutor) { try await body() }.value
    }

    func stop() async {
        await self.host.shutdown()
        await self.loop.stop()
    }
}

/// This program, started once more as ``overlayPeer()``, with a socket as its standard input.
private struct PeerProcess {
    let address: Multiaddr
    let peerID: PeerID
    private let loop = EventLoop()
    private let pipe: PipeActor

    init() async throws {
        let pipe = try await PipeActor(starting: "/proc/self/exe", [overlayPeerArgument], on: self.loop)
        let line = await pipe.readLine() ?? ""
        self.address = try Multiaddr(line)
        self.peerID = try PeerID(bytes: self.address.peerIDBytes ?? [])
        self.pipe = pipe
    }

    func stop() async {
        await self.pipe.close()
        await self.loop.stop()
    }
}

/// One end of a socket to the other process.
private actor PipeActor {
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }
    private var pipe: PipeConnection?
    private var child: ChildProcess?
    private var received: [UInt8] = []
    private var isEnded = false
    private var waiter: CheckedContinuation<Void, Never>?

    init(adopting number: Int32, on loop: EventLoop) async throws {
        self.loop = loop
        try self.adopt(number)
    }

    init(starting program: String, _ arguments: [String], on loop: EventLoop) async throws {
        self.loop = loop
        try self.start(program, arguments)
    }

    isolated deinit {}

    private func adopt(_ number: Int32) throws {
        self.attach(try PipeConnection(adopting: OwnedDescriptor(adopting: number), on: self.loop))
    }

    private func start(_ program: String, _ arguments: [String]) throws {
        try SocketPair().take { ours, theirs in
            self.child = try ChildProcess(
                .init(
                    program: program, arguments: arguments,
                    descriptors: [.duplicate(theirs.number), .duplicate(1), .duplicate(2)]), on: self.loop)
            self.attach(try PipeConnection(adopting: ours, on: self.loop))
        }
    }

    private func attach(_ pipe: PipeConnection) {
        self.pipe = pipe
        pipe.start(
            onBytes: { bytes in
                bytes.withUnsafeBytes { self.received.append(contentsOf: $0) }
                self.wake()
            },
            onEvent: { event in
                self.isEnded = self.isEnded || event != .writable
                self.wake()
            })
    }

    private func wake() {
        self.waiter?.resume()
        self.waiter = nil
    }

    func send(_ bytes: [UInt8]) { self.pipe?.write(bytes) }

    /// The next line without its end; nil when there is none any more.
    func readLine() async -> String? {
        while true {
            if let end = self.received.firstIndex(of: 10) {
                defer { self.received.removeFirst(end + 1) }
                return String(decoding: self.received[..<end], as: UTF8.self)
            }
            if self.isEnded { return nil }
            await withCheckedContinuation { self.waiter = $0 }
        }
    }

    /// Ends the connection and waits for the other process.
    func close() async {
        self.pipe?.close()
        _ = try? await self.child?.exitStatus()
    }
}
