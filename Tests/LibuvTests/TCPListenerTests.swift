import Glibc
import Libuv
import Synchronization
import Testing

@Suite("A TCP listener") struct TCPListenerTests {
    @Test("opens and closes a thousand connections") func thousandConnections() async throws {
        try await withLoop { actor in
            let loopback = try #require(SocketAddress("127.0.0.1", port: 0))
            let listener = try TCPListener(at: loopback, on: actor.loop)
            var servers: [TCPConnection] = []
            var clients: [TCPConnection] = []
            var ended = 0
            let allEnded = Slot<Bool>()
            try listener.start(onConnection: { servers.append($0) }, onTrouble: { Issue.record("\($0)") })
            for _ in 0..<1_000 {
                let client = try TCPConnection(on: actor.loop)
                try await client.connect(to: listener.address)
                clients.append(client)
            }
            while servers.count < 1_000 { await Task.yield() }
            for client in clients {
                client.start(
                    onBytes: { _ in },
                    onEvent: { _ in
                        ended += 1
                        if ended == 1_000 { allEnded.fill(true) }
                    })
            }
            #expect(actor.loop.statistics.openHandleCount >= 2_000)
            for server in servers { server.close() }
            #expect(await allEnded.get())
            for client in clients { client.close() }
            listener.close()
            while actor.loop.statistics.openHandleCount > 0 { await Task.yield() }
        }
    }

    @Test("backs off instead of spinning when descriptors run out") func acceptBackOff() async throws {
        try await withLoop { actor in
            let loopback = try #require(SocketAddress("127.0.0.1", port: 0))
            var attempts = 0
            let listener = try TCPListener(at: loopback, on: actor.loop) { descriptor in
                attempts += 1
                return attempts <= 3 ? -EMFILE : TCPListener.acceptNext(descriptor)
            }
            var troubles: [LibuvError.Code] = []
            let accepted = Slot<Bool>()
            try listener.start(onConnection: { _ in accepted.fill(true) }, onTrouble: { troubles.append($0.code) })
            let client = try TCPConnection(on: actor.loop)
            try await client.connect(to: listener.address)  // By the kernel, before we accept.
            let start = MonotonicClock.nowMilliseconds
            #expect(await accepted.get())
            #expect(MonotonicClock.nowMilliseconds - start >= 2 * TCPListener.backOffMilliseconds)
            #expect(troubles == [.tooManyOpenFiles, .tooManyOpenFiles, .tooManyOpenFiles])
            #expect(listener.backOffCount == 3)
            #expect(attempts >= 4)
        }
    }

    @Test("leaves connections in the backlog while it is paused") func pausedListener() async throws {
        try await withLoop { actor in
            let loopback = try #require(SocketAddress("127.0.0.1", port: 0))
            let listener = try TCPListener(at: loopback, on: actor.loop)
            let accepted = Slot<Bool>()
            try listener.start(onConnection: { _ in accepted.fill(true) }, onTrouble: { Issue.record("\($0)") })
            listener.pause()
            let client = try TCPConnection(on: actor.loop)
            try await client.connect(to: listener.address)
            try await actor.loop.sleep(milliseconds: 5)
            #expect(!accepted.isFilled)
            try listener.resume()
            #expect(await accepted.get())
        }
    }
}
