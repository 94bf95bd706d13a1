import Glibc
import Libuv
import Testing

@Suite("A child process") struct ChildProcessTests {
    private static func shell(_ script: String) -> ChildProcess.Description {
        ChildProcess.Description(program: "/bin/sh", arguments: ["-c", script])
    }

    @Test("reports its exit code", arguments: [0, 1, 42, 255])
    func exitCode(code: Int32) async throws {
        try await withLoop { actor in
            let child = try ChildProcess(Self.shell("exit \(code)"), on: actor.loop)
            #expect(child.processID > 0)
            #expect(try await child.exitStatus() == .exited(code: code))
            #expect(try await child.exitStatus() == .exited(code: code), "asking again gives the same")
            let error = #expect(throws: LibuvError.self) { try child.kill(signal: SIGTERM) }
            #expect(error?.code == .noSuchProcess)
        }
    }

    @Test("reports the signal that ended it", arguments: [SIGTERM, SIGKILL])
    func signal(number: Int32) async throws {
        try await withLoop { actor in
            let child = try ChildProcess(Self.shell("exec sleep 60"), on: actor.loop)
            try child.kill(signal: number)
            #expect(try await child.exitStatus() == .signalled(number: number))
        }
    }

    @Test("says why it cannot start") func cannotStart() async throws {
        try await withLoop { actor in
            let missing = #expect(throws: LibuvError.self) {
                try ChildProcess(.init(program: "/no/such/program"), on: actor.loop)
            }
            #expect(missing?.code == .noSuchFile)
            #expect(missing?.description.contains("/no/such/program") == true)
            let folder = #expect(throws: LibuvError.self) {
                try ChildProcess(.init(program: "/bin/true", workingDirectory: "/no/such/folder"), on: actor.loop)
            }
            #expect(folder?.code == .noSuchFile)
            let zero = #expect(throws: LibuvError.self) {
                try ChildProcess(.init(program: "/bin/echo", arguments: ["a\0b"]), on: actor.loop)
            }
            #expect(zero?.code == .invalidArgument)
        }
    }

    /// Starts a shell with one end of a socket pair at descriptor 5 and returns what it writes there.
    private static func output(
        of script: String, environment: [String]? = nil, workingDirectory: String? = nil, on loop: EventLoop
    ) async throws -> String {
        var reader: PipeConnection?
        var child: ChildProcess?
        try SocketPair().take { ours, theirs in
            var description = Self.shell(script)
            description.environment = environment
            description.workingDirectory = workingDirectory
            description.descriptors = [.null, .null, .null, .null, .null, .duplicate(theirs.number)]
            child = try ChildProcess(description, on: loop)
            reader = try PipeConnection(adopting: ours, on: loop)
        }
        var bytes: [UInt8] = []
        let done = Slot<Bool>()
        try #require(reader).start(
            onBytes: { span in for index in 0..<span.byteCount { bytes.append(span.byte(at: index)) } },
            onEvent: { done.fill($0 == .finished) })
        #expect(await done.get())
        #expect(try await #require(child).exitStatus() == .exited(code: 0))
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("gets the environment and the folder it is given") func environment() async throws {
        try await withLoop { actor in
            let text = try await Self.output(
                of: "echo \"$GREETING $HOME\" >&5; pwd >&5", environment: ["GREETING=hi"], workingDirectory: "/usr",
                on: actor.loop)
            #expect(text == "hi \n/usr\n")
        }
    }

    @Test("inherits the descriptors it is given and no others") func descriptors() async throws {
        try await withLoop { actor in
            // Accepted, connected and listening sockets, the ends of a pair: the child must see none of them.
            let pair = try await connectedPair(on: actor.loop)
            let other = try SocketPair()
            let ours = Self.sockets()
            #expect(ours.count >= 5)
            let text = try await Self.output(of: "ls -l /proc/self/fd >&5", on: actor.loop)
            #expect(text.contains(" 5 -> socket:"))
            #expect(text.contains(" 4 -> ") == false, "a number that is not described is closed")
            let seen = ours.filter { text.contains($0) }
            #expect(seen.isEmpty, "the child saw \(seen)")
            pair.client.close()
            _ = other
        }
    }

    /// The sockets that this process has open, as the links under /proc name them, without those of the test runner,
    /// which stand at numbers that it opened before.
    private static func sockets() -> [String] {
        var found: [String] = []
        for number in Int32(3)..<2_000 where fcntl(number, F_GETFD) & FD_CLOEXEC != 0 {
            var information = stat()
            guard fstat(number, &information) == 0, information.st_mode & S_IFMT == S_IFSOCK else { continue }
            found.append("socket:[\(information.st_ino)]")
        }
        return found
    }

    @Test("is reaped though its owner dropped it") func dropped() async throws {
        try await withLoop { actor in
            func start() throws -> Int32 { try ChildProcess(Self.shell("exit 3"), on: actor.loop).processID }
            let processID = try start()
            // While it is a zombie or runs, kill(0) succeeds; reaped, it does not exist.
            while Glibc.kill(processID, 0) == 0 { try await actor.loop.sleep(milliseconds: 1) }
            #expect(errno == ESRCH)
        }
    }

    @Test("outlives its loop and tells the waiter so") func loopStops() async throws {
        let loop = EventLoop()
        let actor = LoopActor(on: loop)
        let waiting = Task {
            try await actor.run { actor -> LibuvError.Code? in
                let child = try ChildProcess(Self.shell("exec sleep 60"), on: actor.loop)
                let processID = child.processID
                defer { _ = Glibc.kill(processID, SIGKILL) }
                do throws(LibuvError) {
                    _ = try await child.exitStatus()
                    return nil
                } catch { return error.code }
            }
        }
        while loop.statistics.openHandleCount == 0 { await Task.yield() }
        await loop.stop()
        #expect(try await waiting.value == .cancelled)
    }
}

@Suite("A signal watcher") struct SignalWatcherTests {
    @Test("hears a signal sent to the process, in every watcher") func hears() async throws {
        try await withLoop { actor in
            let first = Slot<Bool>()
            let second = Slot<Bool>()
            let watchers = [
                try SignalWatcher(signal: SIGUSR2, on: actor.loop) { first.fill(true) },
                try SignalWatcher(signal: SIGUSR2, on: actor.loop) { second.fill(true) },
            ]
            #expect(Glibc.kill(getpid(), SIGUSR2) == 0)
            #expect(await first.get())
            #expect(await second.get())
            for watcher in watchers { watcher.close() }
        }
    }

    @Test("refuses a signal that cannot be caught") func refuses() async throws {
        try await withLoop { actor in
            let error = #expect(throws: LibuvError.self) { try SignalWatcher(signal: SIGKILL, on: actor.loop) {} }
            #expect(error?.code == .invalidArgument)
        }
    }
}

@Suite("A descriptor poller") struct DescriptorPollerTests {
    @Test("tells when a descriptor becomes readable, until it is stopped") func readable() async throws {
        try await withLoop { actor in
            var numbers: [Int32] = [-1, -1]
            #expect(pipe(&numbers) == 0)
            let writer = OwnedDescriptor(adopting: numbers[1])
            let poller = try DescriptorPoller(adopting: OwnedDescriptor(adopting: numbers[0]), on: actor.loop)
            let ready = Slot<Bool>()
            var calls = 0
            try poller.start(.readable) { result in
                calls += 1
                if case .success(let events) = result { ready.fill(events.contains(.readable)) }
            }
            try await actor.loop.sleep(milliseconds: 2)
            #expect(calls == 0)
            var byte: UInt8 = 1
            #expect(write(writer.number, &byte, 1) == 1)
            #expect(await ready.get())
            poller.stop()
            let seen = calls
            try await actor.loop.sleep(milliseconds: 2)
            #expect(calls == seen)
            poller.close()
            #expect(fcntl(numbers[0], F_GETFD) == -1, "the adopted descriptor is closed with the poller")
        }
    }
}
