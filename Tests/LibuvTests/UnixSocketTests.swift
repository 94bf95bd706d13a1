import Glibc
import Libuv
import Testing

@Suite("A Unix socket") struct UnixSocketTests {
    /// A folder of its own, removed with what the test left in it.
    private static func withFolder<R: Sendable>(
        _ body: @Sendable (isolated LoopActor, String) async throws -> R
    ) async throws -> R {
        let template = try #require(strdup("/tmp/dsmp-libuv-XXXXXX"))
        defer { free(template) }
        let path = String(cString: try #require(mkdtemp(template)))
        defer { _ = rmdir(path) }
        return try await withLoop { try await body($0, path) }
    }

    private static func echoes(at path: String, on loop: EventLoop) async throws {
        let listener = try PipeListener(at: path, on: loop)
        var servers: [PipeConnection] = []
        try listener.start(
            onConnection: { server in
                servers.append(server)
                server.start(
                    onBytes: { [unowned server] bytes in
                        server.write((0..<bytes.byteCount).map { bytes.byte(at: $0) })
                    }, onEvent: { [unowned server] _ in server.shutdown() })
            }, onTrouble: { Issue.record("\($0)") })
        var information = stat()
        #expect(stat(path, &information) == 0)
        #expect(information.st_mode & 0o777 == 0o600)
        let client = try PipeConnection(on: loop)
        try await client.connect(to: path)
        #expect(client.peerCredentials?.processID == getpid())
        #expect(client.peerCredentials?.userID == getuid())
        var received: [UInt8] = []
        let finished = Slot<Bool>()
        client.start(
            onBytes: { bytes in for index in 0..<bytes.byteCount { received.append(bytes.byte(at: index)) } },
            onEvent: { finished.fill($0 == .finished) })
        client.write(Array("hello".utf8))
        client.shutdown()
        #expect(await finished.get())
        #expect(received == Array("hello".utf8))
        listener.close()
        #expect(access(path, F_OK) != 0, "the socket file is removed")
    }

    @Test("carries bytes at a short path") func shortPath() async throws {
        try await Self.withFolder { actor, folder in try await Self.echoes(at: folder + "/s.sock", on: actor.loop) }
    }

    @Test("carries bytes at a path that no socket address holds") func longPath() async throws {
        try await Self.withFolder { actor, folder in
            let middle = folder + "/" + String(repeating: "a", count: 200)
            #expect(mkdir(middle, 0o700) == 0)
            try await Self.echoes(at: middle + "/control.sock", on: actor.loop)
            #expect(rmdir(middle) == 0)
        }
    }

    @Test("binds paths of every length around the limit", arguments: [106, 107, 108, 109])
    func limit(length: Int) async throws {
        try await Self.withFolder { actor, folder in
            let path = folder + "/" + String(repeating: "s", count: length - folder.utf8.count - 1)
            try await Self.echoes(at: path, on: actor.loop)
        }
    }

    @Test("tells a taken path and a missing one apart") func errors() async throws {
        try await Self.withFolder { actor, folder in
            let path = folder + "/s.sock"
            let listener = try PipeListener(at: path, on: actor.loop)
            let taken = #expect(throws: LibuvError.self) { try PipeListener(at: path, on: actor.loop) }
            #expect(taken?.code == .addressInUse)
            listener.close()
            let client = try PipeConnection(on: actor.loop)
            let missing = await failure { () async throws(LibuvError) in try await client.connect(to: path) }
            #expect(missing?.code == .noSuchFile)
            let name = String(repeating: "n", count: 200)
            let long = #expect(throws: LibuvError.self) { try PipeListener(at: folder + "/" + name, on: actor.loop) }
            #expect(long?.code == .nameTooLong)
        }
    }

    @Test("adopts both ends of a socket pair, close-on-exec") func socketPair() async throws {
        try await withLoop { actor in
            let (first, second) = try Self.adoptPair(on: actor.loop)
            var received: [UInt8] = []
            let done = Slot<Bool>()
            second.start(
                onBytes: { bytes in for index in 0..<bytes.byteCount { received.append(bytes.byte(at: index)) } },
                onEvent: { done.fill($0 == .finished) })
            first.write([9, 8, 7])
            first.shutdown()
            #expect(await done.get())
            #expect(received == [9, 8, 7])
        }
    }

    private static func adoptPair(on loop: EventLoop) throws -> (PipeConnection, PipeConnection) {
        var ends: [PipeConnection] = []
        try SocketPair().take { first, second in
            #expect(fcntl(first.number, F_GETFD) & FD_CLOEXEC != 0)
            #expect(fcntl(second.number, F_GETFD) & FD_CLOEXEC != 0)
            ends.append(try PipeConnection(adopting: first, on: loop))
            ends.append(try PipeConnection(adopting: second, on: loop))
        }
        return (ends[0], ends[1])
    }
}
