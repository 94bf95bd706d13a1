import Cryptography
import Identity
import Libp2p
import Libuv
import Overlay
import Synchronization
import Testing
import Wire

@Suite("The end of a stream between hosts", .serialized) struct StreamEndTests {
    @Test("gives back a read or a write when its task is cancelled") func cancellation() async throws {
        try await withHosts(2) { hosts in
            let gate = Gate()
            await hosts[1].host.handle(sinkProtocol) { stream in
                await gate.wait()
                try await stream.write([42])
            }
            try await hosts[0].connect(to: hosts[1])
            let stream = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [sinkProtocol])
            let onLoop = Task(executorPreference: hosts[0].loop.taskExecutor) { try await stream.read() == nil }
            onLoop.cancel()
            await #expect(throws: StreamError.cancelled) { _ = try await onLoop.value }
            let elsewhere = Task { try await stream.read() == nil }
            elsewhere.cancel()
            await #expect(throws: StreamError.cancelled) { _ = try await elsewhere.value }
            let other = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [sinkProtocol])
            let writer = Task { try await other.write([UInt8](repeating: 1, count: 64 * 1_024 * 1_024)) }
            try await hosts[0].loop.sleep(milliseconds: 10)
            writer.cancel()
            await #expect(throws: StreamError.cancelled) { try await writer.value }
            other.reset()
            await gate.open()
            #expect(try await stream.read() == [42], "a cancelled read loses nothing")
        }
    }

    @Test("ends every open stream when a host shuts down") func shutdown() async throws {
        try await withHosts(2) { hosts in
            let ended = Mutex(0)
            await hosts[1].host.handle(sinkProtocol) { stream in
                defer { ended.withLock { $0 += 1 } }
                while try await stream.read() != nil {}
            }
            try await hosts[0].connect(to: hosts[1])
            var streams: [PeerStream] = []
            for _ in 0..<32 {
                let stream = try await hosts[0].host.openStream(to: hosts[1].peerID, protocols: [sinkProtocol])
                try await stream.write([1])
                streams.append(stream)
            }
            try await eventually(hosts[1].loop) {
                await hosts[1].host.connectedPeers.first?.connections.first?.streamCount ?? 0 >= 32
            }
            await hosts[1].host.shutdown()
            #expect(ended.withLock { $0 } == 32, "the handlers have ended before shutdown returns")
            for stream in streams { await #expect(throws: StreamError.self) { _ = try await stream.read() } }
            await #expect(throws: HostError.self) {
                _ = try await hosts[1].host.openStream(to: hosts[0].peerID, protocols: [sinkProtocol])
            }
        }
    }
}
