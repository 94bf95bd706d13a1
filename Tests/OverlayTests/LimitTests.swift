import Identity
import Libp2p
import Libuv
import Overlay
import Synchronization
import Testing
import Wire

@Suite("The limits of a host", .serialized) struct LimitTests {
    @Test("close only the connection that sends garbage") func garbage() async throws {
        try await withHosts(2) { hosts in
            await hosts[1].host.handle(echoProtocol, handler: echo)
            try await hosts[0].connect(to: hosts[1])
            let address = try #require(await hosts[1].host.listenAddresses.first)
            let stream = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [echoProtocol])
            for bytes in [
                Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), [UInt8](repeating: 0xFF, count: 10_000),
                [0x13] + Array("/multistream/1.0.0\n".utf8) + [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            ] {
                let raw = RawPeer(on: hosts[0].loop)
                try await raw.connect(to: address, sending: bytes)
                try await eventually(hosts[0].loop) { await raw.hasEnded }
                await raw.close()
                try await stream.write([1])
                #expect(try await stream.readExactly(1) == [1])
            }
        }
    }

    @Test("close the oldest half-open connection when there are too many, and let honest peers in") func halfOpen()
        async throws
    {
        try await withHosts(2, configure: { $0.limits.maximumUnauthenticatedConnections = 8 }) { hosts in
            let address = try #require(await hosts[1].host.listenAddresses.first)
            var silent: [RawPeer] = []
            for _ in 0..<50 {
                let raw = RawPeer(on: hosts[0].loop)
                try await raw.connect(to: address, sending: [])
                silent.append(raw)
            }
            func alive() async -> Int {
                var count = 0
                for raw in silent where await !raw.hasEnded { count += 1 }
                return count
            }
            try await eventually(hosts[0].loop) { await alive() == 8 }
            #expect(await silent[0].hasEnded)
            #expect(await !silent[49].hasEnded)
            try await hosts[0].connect(to: hosts[1])
            #expect(await hosts[1].host.connectedPeers.count == 1)
            for raw in silent { await raw.close() }
        }
    }

    @Test("refuse connections over the maximum") func maximumConnections() async throws {
        try await withHosts(4, configure: { $0.limits.maximumInboundConnections = 2 }) { hosts in
            try await hosts[1].connect(to: hosts[0])
            try await hosts[2].connect(to: hosts[0])
            let addresses = await hosts[0].host.addresses
            await #expect(throws: HostError.self) {
                try await hosts[3].host.connect(to: hosts[0].peerID, addresses: addresses)
            }
            #expect(await hosts[0].host.connectedPeers.count == 2)
            await hosts[0].host.disconnect(hosts[1].peerID)
            try await eventually(hosts[0].loop) { await hosts[0].host.connectedPeers.count == 1 }
            try await hosts[3].connect(to: hosts[0])
        }
    }

    @Test("reset the stream that is one too many for a protocol, and give the place back") func streamsPerProtocol()
        async throws
    {
        try await withHosts(2) { hosts in
            await hosts[1].host.handle(echoProtocol, maximumStreamsPerPeer: 3, handler: echo)
            try await hosts[0].connect(to: hosts[1])
            func open() async throws -> PeerStream {
                let stream = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [echoProtocol])
                try await stream.write([5])
                _ = try await stream.readExactly(1)
                return stream
            }
            let streams = [try await open(), try await open(), try await open()]
            await #expect(throws: StreamError.self) { _ = try await open() }
            streams[0].finishWriting()
            #expect(try await streams[0].read() == nil)
            let again = try await open()
            streams[1].reset()
            _ = again
            try await eventually(hosts[0].loop) {
                if let next = try? await open() {
                    next.reset()
                    return true
                }
                return false
            }
        }
    }

    @Test("close idle connections when there are many, but not protected ones") func trimming() async throws {
        try await withHosts(
            8, sharingLoop: true,
            configure: {
                $0.limits.trimmingHighWaterCount = 5
                $0.limits.trimmingLowWaterCount = 3
                $0.limits.trimmingGraceMilliseconds = 0
                $0.timeouts.housekeepingMilliseconds = 20
            }
        ) { hosts in
            await hosts[0].host.protect(hosts[1].peerID, for: "test")
            for other in hosts.dropFirst() { try await hosts[0].connect(to: other) }
            // Down to 3 whenever there are more than 5; which of the two is seen last depends on the moment.
            try await eventually(hosts[0].loop) { await (3...5).contains(hosts[0].host.connectedPeers.count) }
            #expect(await hosts[0].host.isConnected(to: hosts[1].peerID))
            await hosts[0].host.unprotect(hosts[1].peerID, for: "test")
        }
    }

    @Test("drop what a peer goes on sending after the handler has returned, and then reset") func discarding()
        async throws
    {
        try await withHosts(2, configure: { $0.limits.maximumDiscardedBytes = 100_000 }) { hosts in
            await hosts[1].host.handle(sinkProtocol) { _ in }
            try await hosts[0].connect(to: hosts[1])
            let short = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [sinkProtocol])
            try await short.write([UInt8](repeating: 1, count: 50_000))
            short.finishWriting()
            #expect(try await short.read() == nil)
            let long = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [sinkProtocol])
            await #expect(throws: StreamError.ended(.resetByPeer)) {
                for _ in 0..<10_000 { try await long.write([UInt8](repeating: 1, count: 50_000)) }
            }
        }
    }
}
