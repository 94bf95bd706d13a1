import Glibc
import Libuv
import Synchronization
import Testing

@Suite("A TCP connection") struct TCPTests {
    @Test("carries bytes both ways and ends each way on its own") func halfClose() async throws {
        try await withLoop { actor in
            let pair = try await connectedPair(on: actor.loop)
            #expect(pair.client.remoteAddress == pair.listener.address)
            #expect(pair.server.remoteAddress == pair.client.localAddress)
            var atServer: [UInt8] = []
            var atClient: [UInt8] = []
            let serverDone = Slot<Bool>()
            let clientDone = Slot<Bool>()
            pair.server.start(
                onBytes: { bytes in for index in 0..<bytes.byteCount { atServer.append(bytes.byte(at: index)) } },
                onEvent: { event in
                    guard event == .finished else { return }
                    pair.server.write(Array(atServer.reversed()))  // The other direction still works.
                    pair.server.shutdown()
                    serverDone.fill(true)
                })
            pair.client.start(
                onBytes: { bytes in for index in 0..<bytes.byteCount { atClient.append(bytes.byte(at: index)) } },
                onEvent: { event in clientDone.fill(event == .finished) })
            pair.client.write([1, 2, 3])
            pair.client.write([4, 5])
            pair.client.shutdown()
            pair.client.write([6])  // After the end: ignored.
            #expect(await serverDone.get())
            #expect(await clientDone.get())
            #expect(atServer == [1, 2, 3, 4, 5])
            #expect(atClient == [5, 4, 3, 2, 1])
            #expect(pair.client.sentByteCount == 5)
            #expect(pair.client.receivedByteCount == 5)
            pair.client.close()
            pair.server.close()
            #expect(pair.client.remoteAddress == nil)
        }
    }

    @Test("tells that a connection was refused, and by whom") func refused() async throws {
        try await withLoop { actor in
            let loopback = try #require(SocketAddress("127.0.0.1", port: 0))
            let listener = try TCPListener(at: loopback, on: actor.loop)
            let address = listener.address
            listener.close()
            try await actor.loop.sleep(milliseconds: 1)
            let client = try TCPConnection(on: actor.loop)
            let error = await failure { () async throws(LibuvError) in try await client.connect(to: address) }
            #expect(error?.code == .connectionRefused)
            #expect(error?.description.contains("ECONNREFUSED") == true)
            #expect(error?.description.contains("127.0.0.1") == true)
        }
    }

    @Test("gives up connecting when it is closed") func cancelledConnect() async throws {
        try await withLoop { actor in
            let client = try TCPConnection(on: actor.loop)
            let result = Slot<LibuvError.Code?>()
            // A test network (RFC 5737) that nothing answers for, or that no route leads to.
            let nowhere = try #require(SocketAddress("192.0.2.1", port: 9))
            client.connect(to: nowhere) { result.fill($0?.code) }
            client.close()
            let code = await result.get()
            #expect(code == .cancelled || code == .networkUnreachable)
        }
    }

    @Test("says what to do about a port that is taken") func addressInUse() async throws {
        try await withLoop { actor in
            let loopback = try #require(SocketAddress("127.0.0.1", port: 0))
            let first = try TCPListener(at: loopback, on: actor.loop)
            let error = #expect(throws: LibuvError.self) { try TCPListener(at: first.address, on: actor.loop) }
            #expect(error?.code == .addressInUse)
            #expect(error?.advice?.contains("another port") == true)
            first.close()
        }
    }

    @Test("binds again at once after a listener with connections was closed") func reusesAddress() async throws {
        try await withLoop { actor in
            let pair = try await connectedPair(on: actor.loop)
            let address = pair.listener.address
            pair.server.close()  // Leaves the port in TIME_WAIT.
            pair.client.close()
            pair.listener.close()
            try await actor.loop.sleep(milliseconds: 1)
            let again = try TCPListener(at: address, on: actor.loop)
            #expect(again.address == address)
            again.close()
        }
    }

    @Test("listens on IPv6 as well") func ipv6() async throws {
        try await withLoop { actor in
            let loopback = try #require(SocketAddress("::1", port: 0))
            let listener = try TCPListener(at: loopback, on: actor.loop)
            #expect(listener.address.isLoopback)
            #expect(listener.address.description == "[::1]:\(listener.address.port)")
            let client = try TCPConnection(on: actor.loop)
            let accepted = Slot<Bool>()
            try listener.start(onConnection: { _ in accepted.fill(true) }, onTrouble: { Issue.record("\($0)") })
            try await client.connect(to: listener.address)
            #expect(await accepted.get())
        }
    }

    @Test("stops the writer when the reader is slow, in bounded memory", arguments: [256 * 1_024, 1_024 * 1_024])
    func backPressure(highWaterMark: Int) async throws {
        try await withLoop { actor in
            let pair = try await connectedPair(on: actor.loop)
            pair.client.highWaterMarkByteCount = highWaterMark
            pair.client.lowWaterMarkByteCount = highWaterMark / 4
            let total = 32 * 1_024 * 1_024
            let chunk = [UInt8](repeating: 0x5A, count: 64 * 1_024)
            var received = 0
            let finished = Slot<Bool>()
            let failed = Slot<LibuvError>()
            pair.server.start(
                onBytes: { received += $0.byteCount },
                onEvent: { event in
                    if case .failed(let error) = event { failed.fill(error) }
                    finished.fill(event == .finished)
                })
            pair.server.pauseReading()
            pair.client.start(onBytes: { _ in }, onEvent: { _ in })
            var written = 0
            while pair.client.isWritable {
                pair.client.write(chunk)
                written += chunk.count
            }
            // Nobody reads: what was accepted is in the kernel's buffers and in a queue of at most the high mark.
            #expect(written < total, "the writer was never stopped")
            #expect(pair.client.queuedByteCount < highWaterMark + chunk.count)
            #expect(received == 0)
            pair.server.resumeReading()
            var mostQueued = 0
            while written < total {
                try await pair.client.waitUntilWritable()
                pair.client.write(chunk)
                written += chunk.count
                mostQueued = max(mostQueued, pair.client.queuedByteCount)
            }
            pair.client.shutdown()
            #expect(await finished.get())
            #expect(received == total)
            #expect(mostQueued < highWaterMark + chunk.count)
            #expect(!failed.isFilled)
        }
    }

    @Test("fails rather than queue without bound for a writer that ignores back-pressure") func queueLimit()
        async throws
    {
        try await withLoop { actor in
            let pair = try await connectedPair(on: actor.loop)
            pair.client.maximumQueuedByteCount = 2 * 1_024 * 1_024
            let failed = Slot<LibuvError.Code>()
            pair.client.start(
                onBytes: { _ in },
                onEvent: { event in if case .failed(let error) = event { failed.fill(error.code) } })
            let chunk = [UInt8](repeating: 1, count: 1_024 * 1_024)
            for _ in 0..<64 where !failed.isFilled { pair.client.write(chunk) }
            #expect(await failed.get() == .noBufferSpace)
            #expect(pair.client.queuedByteCount <= 2 * 1_024 * 1_024)
            #expect(await failure { () async throws(LibuvError) in try await pair.client.waitUntilWritable() } != nil)
        }
    }

    @Test("survives writing to a peer that is gone") func brokenPipe() async throws {
        try await withLoop { actor in
            let pair = try await connectedPair(on: actor.loop)
            let failed = Slot<Bool>()
            pair.client.start(onBytes: { _ in }, onEvent: { if case .failed = $0 { failed.fill(true) } })
            pair.server.close()
            // The first bytes provoke a reset, later ones meet a broken pipe; SIGPIPE would end this process.
            while !failed.isFilled {
                pair.client.write([1, 2, 3])
                try await actor.loop.sleep(milliseconds: 1)
            }
            #expect(pair.client.failure != nil)
            #expect(await failure { () async throws(LibuvError) in try await pair.client.waitUntilWritable() } != nil)
        }
    }

    @Test("drops the queue and wakes the writer when it is closed") func closeWakesWriter() async throws {
        try await withLoop { actor in
            let pair = try await connectedPair(on: actor.loop)
            pair.server.pauseReading()
            while pair.client.isWritable { pair.client.write([UInt8](repeating: 1, count: 1_024 * 1_024)) }
            let client = pair.client
            let closer = try LoopTimer(on: actor.loop)
            closer.start(afterMilliseconds: 1) { client.close() }
            let error = await failure { () async throws(LibuvError) in try await client.waitUntilWritable() }
            #expect(error?.code == .cancelled)
            #expect(client.queuedByteCount == 0)
        }
    }

    @Test("reports the loop's end to streams that are open") func loopEnd() async throws {
        let loop = EventLoop()
        let actor = LoopActor(on: loop)
        let seen = Mutex<[ByteStreamEvent]>([])
        let keeper = try await actor.run { actor in
            let pair = try await connectedPair(on: actor.loop)
            pair.client.start(onBytes: { _ in }, onEvent: { event in seen.withLock { $0.append(event) } })
            return Keeper(pair)
        }
        await loop.stop()
        let events = seen.withLock { $0 }
        #expect(events.count == 1)
        if case .failed(let error)? = events.first { #expect(error.code == .cancelled) }
        _ = keeper
    }

    @Test("looks up localhost, and says so when a name does not exist") func resolves() async throws {
        let loop = EventLoop()
        let found = try await loop.resolve(host: "localhost", port: 80)
        #expect(found.contains { $0.isLoopback && $0.port == 80 })
        let error = await #expect(throws: LibuvError.self) { try await loop.resolve(host: "no such host", port: 1) }
        #expect(error?.code.name.hasPrefix("EAI_") == true)
        await loop.stop()
    }
}

extension RawSpan {
    func byte(at index: Int) -> UInt8 { self.unsafeLoad(fromByteOffset: index, as: UInt8.self) }
}

/// Keeps a pair alive while its loop stops. Safety: nobody looks inside.
private final class Keeper: @unchecked Sendable {
    private let pair: TCPPair
    init(_ pair: TCPPair) { self.pair = pair }
}
