import Cryptography
import Identity
import Libp2p
import Libuv
import Overlay
import Synchronization
import Testing
import Wire

@Suite("A stream between hosts", .serialized) struct StreamTests {
    /// Sends and reads at once, and compares.
    private static func echoes(_ bytes: [UInt8], over stream: PeerStream) async throws -> Bool {
        async let sent: Void = {
            var rest = bytes[...]
            while !rest.isEmpty {
                try await stream.write(Array(rest.prefix(256 * 1_024)))
                rest = rest.dropFirst(256 * 1_024)
            }
            stream.finishWriting()
        }()
        var offset = 0
        var isEqual = true
        while let chunk = try await stream.read() {
            guard offset + chunk.count <= bytes.count else { return false }
            isEqual = isEqual && bytes[offset..<offset + chunk.count].elementsEqual(chunk)
            offset += chunk.count
        }
        try await sent
        return isEqual && offset == bytes.count
    }

    @Test("echoes 64 MiB", arguments: [true, false]) func bigEcho(onLoop: Bool) async throws {
        try await withHosts(2) { hosts in
            await hosts[1].host.handle(echoProtocol, handler: echo)
            try await hosts[0].connect(to: hosts[1])
            let stream = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [echoProtocol])
            let bytes = pattern(64 * 1_024 * 1_024, seed: 7)
            let isEqual =
                onLoop
                ? try await hosts[0].onLoop { try await Self.echoes(bytes, over: stream) }
                : try await Self.echoes(bytes, over: stream)
            #expect(isEqual)
            #expect(stream.protocolID == echoProtocol)
            #expect(stream.peer == hosts[1].peerID)
        }
    }

    @Test("echoes 1 MiB on each of 64 streams at once") func manyStreams() async throws {
        try await withHosts(2) { hosts in
            await hosts[1].host.handle(echoProtocol, handler: echo)
            try await hosts[0].connect(to: hosts[1])
            let good = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<64 {
                    group.addTask {
                        try await hosts[0].onLoop {
                            let stream = try await hosts[0].host.openStream(
                                to: hosts[1].peerID, protocols: [echoProtocol])
                            return try await Self.echoes(pattern(1_024 * 1_024, seed: UInt64(index)), over: stream)
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(good == 64)
            try await eventually(hosts[0].loop) {
                let counts = await [
                    hosts[0].host.connectedPeers.first?.connections.first?.streamCount,
                    hosts[1].host.connectedPeers.first?.connections.first?.streamCount,
                ]
                return counts == [0, 0]
            }
        }
    }

    @Test("opens 2,000 streams one after another and forgets each") func streamChurn() async throws {
        try await withHosts(2) { hosts in
            await hosts[1].host.handle(echoProtocol, handler: echo)
            try await hosts[0].connect(to: hosts[1])
            try await hosts[0].onLoop {
                for number in 0..<2_000 {
                    let stream = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [echoProtocol])
                    try await stream.write([UInt8(number % 251)])
                    stream.finishWriting()
                    let answer = try await stream.read()
                    #expect(answer == [UInt8(number % 251)])
                    #expect(try await stream.read() == nil)
                }
            }
            #expect(await hosts[0].host.connectedPeers.first?.connections.count == 1)
        }
    }

    @Test("holds up a writer whose reader is slow, in bounded memory") func slowReader() async throws {
        try await withHosts(2) { hosts in
            let gate = Gate()
            let atReader = Mutex<PeerStream?>(nil)
            await hosts[1].host.handle(sinkProtocol) { stream in
                atReader.withLock { $0 = stream }
                await gate.wait()
                while try await stream.read() != nil {}
            }
            try await hosts[0].connect(to: hosts[1])
            let stream = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [sinkProtocol])
            let written = Mutex(0)
            let total = 96 * 1_024 * 1_024
            let writer = Task {
                let chunk = [UInt8](repeating: 3, count: 1_024 * 1_024)
                for _ in 0..<96 {
                    try await stream.write(chunk)
                    written.withLock { $0 += chunk.count }
                }
                stream.finishWriting()
            }
            // The writer has stopped when nothing moves for a while.
            var last = -1
            while last != written.withLock({ $0 }) {
                last = written.withLock { $0 }
                try await hosts[0].loop.sleep(milliseconds: 100)
            }
            let reader = try #require(atReader.withLock { $0 })
            let unread = await reader.unreadByteCount
            #expect(unread > 0)
            #expect(unread <= 16 * 1_024 * 1_024, "the window bounds what waits for a reader")
            // Besides the window: the send buffer, the transport's queue, and the kernel's buffers of both sides.
            #expect(last < unread + 24 * 1_024 * 1_024)
            #expect(last < total)
            await gate.open()
            try await writer.value
            #expect(written.withLock { $0 } == total)
            #expect(try await stream.read() == nil, "the reader has read to the end and finished")
        }
    }

    @Test("serves other streams while one reader sleeps") func noHeadOfLineBlocking() async throws {
        try await withHosts(2) { hosts in
            let gate = Gate()
            await hosts[1].host.handle(sinkProtocol) { _ in await gate.wait() }
            await hosts[1].host.handle(echoProtocol, handler: echo)
            try await hosts[0].connect(to: hosts[1])
            let stuck = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [sinkProtocol])
            let writer = Task { for _ in 0..<64 { try await stuck.write([UInt8](repeating: 1, count: 1_024 * 1_024)) } }
            let stream = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [echoProtocol])
            #expect(try await Self.echoes(pattern(4 * 1_024 * 1_024, seed: 3), over: stream))
            stuck.reset()
            await #expect(throws: StreamError.closedLocally) { try await writer.value }
            await gate.open()
        }
    }

    @Test("reads exact counts and messages, across any cut") func messages() async throws {
        try await withHosts(2) { hosts in
            let seen = Mutex<[[UInt8]?]>([])
            await hosts[1].host.handle("/dsmp-test/messages/1") { stream in
                let head = try await stream.readExactly(3)
                seen.withLock { $0.append(head) }
                while let message = try await stream.readMessage(limit: 1_024 * 1_024) {
                    seen.withLock { $0.append(message) }
                }
                try await stream.writeMessage([7])
            }
            try await hosts[0].connect(to: hosts[1])
            let stream = try await hosts[0].host.openStream(
                to: hosts[1].peerID, protocols: ["/dsmp-test/messages/1"])
            let messages = [[], [1], pattern(127, seed: 1), pattern(128, seed: 2), pattern(1_024 * 1_024, seed: 3)]
            var bytes: [UInt8] = [9, 8, 7]
            for message in messages { bytes.appendLengthPrefixed(message) }
            // Byte by byte at first, then in pieces of a prime length.
            for byte in bytes.prefix(300) { try await stream.write([byte]) }
            var rest = bytes.dropFirst(300)
            while !rest.isEmpty {
                try await stream.write(Array(rest.prefix(7_919)))
                rest = rest.dropFirst(7_919)
            }
            stream.finishWriting()
            #expect(try await stream.readMessage(limit: 1) == [7])
            #expect(try await stream.readMessage(limit: 1) == nil)
            #expect(seen.withLock { $0 } == [[9, 8, 7]] + messages)
        }
    }

    @Test("refuses a message over the limit, a malformed length and an early end") func hostileMessages() async throws {
        try await withHosts(2) { hosts in
            await hosts[1].host.handle(echoProtocol, handler: echo)
            try await hosts[0].connect(to: hosts[1])
            func answer(to bytes: [UInt8]) async throws -> PeerStream {
                let stream = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [echoProtocol])
                try await stream.write(bytes)
                stream.finishWriting()
                return stream
            }
            #expect(try await answer(to: [2, 5, 6]).readMessage(limit: 2) == [5, 6])
            let long = try await answer(to: [3, 5, 6, 7])
            await #expect(throws: StreamError.messageTooLong(limitBytes: 2)) { try await long.readMessage(limit: 2) }
            let huge = try await answer(to: [255, 255, 255, 255, 255, 255, 255, 255, 127])
            await #expect(throws: StreamError.messageTooLong(limitBytes: 9)) { try await huge.readMessage(limit: 9) }
            let malformed = try await answer(to: [128, 0])
            await #expect(throws: StreamError.malformedLength) { try await malformed.readMessage(limit: 9) }
            let short = try await answer(to: [5, 1, 2])
            await #expect(throws: StreamError.unexpectedEnd) { try await short.readMessage(limit: 9) }
            let shortLength = try await answer(to: [128])
            await #expect(throws: StreamError.unexpectedEnd) { try await shortLength.readMessage(limit: 9) }
            let shortCount = try await answer(to: [1, 2])
            await #expect(throws: StreamError.unexpectedEnd) { _ = try await shortCount.readExactly(3) }
        }
    }

    @Test("agrees on one of several protocols, or on none") func negotiation() async throws {
        try await withHosts(2) { hosts in
            await hosts[1].host.handle(echoProtocol, handler: echo)
            try await hosts[0].connect(to: hosts[1])
            let stream = try await hosts[0].host.openStream(
                to: hosts[1].peerID, protocols: ["/dsmp-test/unknown/2", echoProtocol])
            #expect(stream.protocolID == echoProtocol)
            stream.reset()
            let error = await #expect(throws: HostError.self) {
                _ = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: ["/a/1", "/b/1"])
            }
            guard case .negotiation(.ended(.negotiationFailed))? = error else { throw try #require(error) }
            // One protocol is not waited for; the reader learns of the refusal.
            let hopeful = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: ["/a/1"])
            await #expect(throws: StreamError.self) { _ = try await hopeful.read() }
        }
    }

    @Test("resets the stream when the handler refuses, and carries a reset to the other side") func resets()
        async throws
    {
        struct Refusal: Error {}
        try await withHosts(2) { hosts in
            let heard = Gate()
            await hosts[1].host.handle("/dsmp-test/refuse/1") { _ in throw Refusal() }
            await hosts[1].host.handle("/dsmp-test/listen/1") { stream in
                do {
                    while try await stream.read() != nil {}
                } catch StreamError.ended(.resetByPeer) {
                    await heard.open()
                }
            }
            try await hosts[0].connect(to: hosts[1])
            let refused = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: ["/dsmp-test/refuse/1"])
            await #expect(throws: StreamError.ended(.resetByPeer)) { _ = try await refused.read() }
            await #expect(throws: StreamError.ended(.resetByPeer)) { try await refused.write([1]) }
            let listened = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: ["/dsmp-test/listen/1"])
            try await listened.write([1])
            listened.reset()
            await heard.wait()
            await #expect(throws: StreamError.closedLocally) { _ = try await listened.read() }
            var dropped: PeerStream? = try await hosts[0].host.openStream(
                to: hosts[1].peerID, protocols: [echoProtocol + "x"])
            #expect(dropped != nil)
            dropped = nil
            try await eventually(hosts[0].loop) {
                await hosts[0].host.connectedPeers.first?.connections.first?.streamCount == 0
            }
        }
    }
}
