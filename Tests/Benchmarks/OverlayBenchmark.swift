import Identity
import Libuv
import Overlay
import Wire

private let sinkProtocol = "/dsmp-bench/sink/1"
private let chunkByteCount = 1 << 20

/// Two hosts on two loops over loopback: from connecting to identified, ping, one-way throughput of a stream.
func overlayBenchmark() async throws -> Report {
    var report = Report("overlay: two hosts in one process over TCP, Noise and yamux")
    let server = try await BenchHost(seed: 1)
    await server.host.handle(sinkProtocol) { stream in
        while try await stream.read(upTo: chunkByteCount) != nil {}
        try await stream.write([1])
    }
    var connects: [Double] = []
    for index in 0..<30 {
        let client = try await BenchHost(seed: UInt8(10 + index))
        let start = MonotonicClock.nowNanoseconds
        try await client.onLoop {
            try await client.host.connect(to: server.host.peerID, addresses: server.addresses)
            _ = try await client.host.description(of: server.host.peerID)
        }
        connects.append(Double(MonotonicClock.nowNanoseconds - start) / 1e6)
        await client.stop()
    }
    report.addMedian("connect to identified", connects, unit: "ms")

    let client = try await BenchHost(seed: 2)
    try await client.host.connect(to: server.host.peerID, addresses: server.addresses)
    let pings = try await client.onLoop {
        let stream = try await client.host.openPing(to: server.host.peerID)
        var times: [Double] = []
        for _ in 0..<2_000 { times.append(Double(try await stream.ping()) / 1e3) }
        stream.close()
        return times
    }
    report.addMedian("ping", pings, unit: "us")

    var rates: [Double] = []
    for _ in 0..<5 {
        let byteCount = 512 << 20
        let start = MonotonicClock.nowNanoseconds
        try await client.onLoop {
            let stream = try await client.host.openStream(to: server.host.peerID, protocols: [sinkProtocol])
            let chunk = [UInt8](repeating: 0x5A, count: chunkByteCount)
            for _ in 0..<(byteCount / chunkByteCount) { try await stream.write(chunk) }
            stream.finishWriting()
            _ = try await stream.readExactly(1)
        }
        let seconds = Double(MonotonicClock.nowNanoseconds - start) / 1e9
        rates.append(Double(byteCount) / 1e6 / seconds)
    }
    report.addMedian("one-way stream", rates, unit: "MB/s")
    await client.stop()
    await server.stop()
    return report
}

/// A host on a loop of its own.
private struct BenchHost: Sendable {
    let host: Host
    let loop: EventLoop
    let addresses: [Multiaddr]

    init(seed: UInt8) async throws {
        self.loop = EventLoop()
        self.host = try Host(identity: KeyPair(seed: [UInt8](repeating: seed, count: 32)), on: self.loop)
        await self.host.start()
        _ = try await self.host.listen(on: Multiaddr("/ip4/127.0.0.1/tcp/0"))
        self.addresses = await self.host.addresses
    }

    func onLoop<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
        try await Task(executorPreference: self.loop.taskExecutor) { try await body() }.value
    }

    func stop() async {
        await self.host.shutdown()
        await self.loop.stop()
    }
}
