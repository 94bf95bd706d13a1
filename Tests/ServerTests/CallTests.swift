import ControlAPI
import ControlClient
import Mesh
import Server
import Synchronization
import Testing

@Suite("A call over the control socket") struct CallTests {
    /// Input from memory, a given number of equal pieces.
    struct Pieces: CallInput {
        let piece: [UInt8]
        let count: Int
        let knowsLength: Bool
        let taken = Counter()

        var byteCount: Int? { self.knowsLength ? self.piece.count * self.count : nil }

        func next() async throws(ControlError) -> [UInt8]? { self.taken.add(1) <= self.count ? self.piece : nil }
    }

    /// A number that several tasks change.
    final class Counter: Sendable {
        private let value = Atomic(0)
        private let peak = Atomic(0)

        var total: Int { self.value.load(ordering: .sequentiallyConsistent) }
        var highest: Int { self.peak.load(ordering: .sequentiallyConsistent) }

        @discardableResult func add(_ amount: Int) -> Int {
            let total = self.value.add(amount, ordering: .sequentiallyConsistent).newValue
            _ = self.peak.max(total, ordering: .sequentiallyConsistent)
            return total
        }
    }

    @Test("streams 256 MiB both ways in bounded memory", arguments: [true, false])
    func largeCall(knowsLength: Bool) async throws {
        let inFlight = Counter()
        let agent = FakeAgent(exchange: { _ in Pipe() })
        try await ServedAgent.with(agent) { served in
            let pieces = Pieces(
                piece: [UInt8](repeating: 7, count: 262_144), count: 1_024, knowsLength: knowsLength)
            let received = Counter()
            try await served.client.call(
                CallRequest(worker: "echo", method: "echo"), input: pieces,
                sent: { _ in inFlight.add(262_144) },
                output: { piece throws(ControlError) in
                    inFlight.add(-piece.count)
                    received.add(piece.count)
                })
            #expect(received.total == 268_435_456)
            #expect(inFlight.highest <= 8_388_608, "\(inFlight.highest) bytes were under way at once")
        }
    }

    @Test("keeps an input that fits one message whole", arguments: [0, 1, 300_000, 1_048_576])
    func oneMessage(byteCount: Int) async throws {
        let pipe = Pipe()
        try await ServedAgent.with(FakeAgent(exchange: { _ in pipe })) { served in
            let input = Pieces(piece: [UInt8](repeating: 1, count: byteCount), count: 1, knowsLength: true)
            let output = Counter()
            try await served.client.call(
                CallRequest(worker: "echo", method: "echo"), input: input,
                output: { piece throws(ControlError) in output.add(piece.count) })
            #expect(pipe.messageSizes == [byteCount])
            #expect(output.total == byteCount)
            #expect(pipe.isFinished)
        }
    }

    @Test("hands deadline, key and trace on") func fields() async throws {
        let agent = FakeAgent(exchange: { _ in Script([[1]]) })
        try await ServedAgent.with(agent) { served in
            let request = CallRequest(
                worker: Sample.name, method: "a/b.c", deadlineMilliseconds: 1_500, idempotencyKey: Array("k1".utf8),
                traceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            let nothing = Pieces(piece: [], count: 0, knowsLength: true)
            try await served.client.call(request, input: nothing, output: { _ throws(ControlError) in })
            #expect(agent.calls == [request])
        }
    }

    @Test("fails with the worker's reason before and after the first output", arguments: [0, 3])
    func failure(messages: Int) async throws {
        let failure = CallFailure(.refused, "no entry: grüße, 100 %")
        let agent = FakeAgent(exchange: { _ in
            Script([[UInt8]](repeating: [1, 2], count: messages), endingWith: failure)
        })
        try await ServedAgent.with(agent) { served in
            let output = Counter()
            let error = await #expect(throws: ControlError.self) {
                try await served.client.call(
                    CallRequest(worker: "w", method: "m"), input: Pieces(piece: [1], count: 4, knowsLength: true),
                    output: { piece throws(ControlError) in output.add(piece.count) })
            }
            #expect(error?.code == .refused)
            #expect(error?.message == failure.message)
            #expect(error?.hint == ControlError(failure).hint)
            #expect(output.total == 2 * messages)
        }
    }

    @Test("is refused before a worker sees it", arguments: [ControlErrorCode.notFound, .refused])
    func refusedCall(code: ControlErrorCode) async throws {
        let agent = FakeAgent()
        agent.fail(with: ControlError(code, "no such worker here"))
        try await ServedAgent.with(agent) { served in
            let error = await #expect(throws: ControlError.self) {
                try await served.client.call(
                    CallRequest(worker: "w", method: "m"),
                    input: Pieces(piece: [UInt8](repeating: 0, count: 65_536), count: 64, knowsLength: true),
                    output: { _ throws(ControlError) in })
            }
            #expect(error?.code == code)
        }
    }

    @Test("ends with the answer while input without end is still sent") func earlyAnswer() async throws {
        let agent = FakeAgent(exchange: { _ in Script([Array("done".utf8)]) })
        try await ServedAgent.with(agent) { served in
            let endless = Pieces(piece: [UInt8](repeating: 0, count: 65_536), count: .max, knowsLength: false)
            let output = Counter()
            try await served.client.call(
                CallRequest(worker: "w", method: "m"), input: endless,
                output: { piece throws(ControlError) in output.add(piece.count) })
            #expect(output.total == 4)
        }
    }

    @Test("ends when its input cannot be read") func brokenInput() async throws {
        struct Broken: CallInput {
            let byteCount: Int? = 10
            func next() async throws(ControlError) -> [UInt8]? { throw ControlError(.invalid, "the disk is gone") }
        }
        let pipe = Pipe()
        try await ServedAgent.with(FakeAgent(exchange: { _ in pipe })) { served in
            let error = await #expect(throws: ControlError.self) {
                try await served.client.call(
                    CallRequest(worker: "w", method: "m"), input: Broken(), output: { _ throws(ControlError) in })
            }
            #expect(error?.message == "the disk is gone")
            await pipe.waitUntilCancelled()
            #expect(!pipe.isFinished)
        }
    }

    @Test(
        "is cancelled, not finished, when its input breaks off",
        arguments: ["content-length: 10\r\n\r\n12345", "transfer-encoding: chunked\r\n\r\n5\r\n12345\r\n"])
    func truncatedInput(rest: String) async throws {
        let pipe = Pipe()
        try await ServedAgent.with(FakeAgent(exchange: { _ in pipe })) { served in
            let connection = try RawConnection(socket: served.socket)
            await connection.send("POST /v1/call/w/m HTTP/1.1\r\nhost: x\r\n" + rest)
            connection.finish()
            await pipe.waitUntilCancelled()
            #expect(!pipe.isFinished)
        }
    }

    @Test("is cancelled when the caller goes away") func callerLeaves() async throws {
        let pipe = Pipe()
        try await ServedAgent.with(FakeAgent(exchange: { _ in pipe })) { served in
            let connection = try RawConnection(socket: served.socket)
            await connection.send(
                "POST /v1/call/w/m HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n")
            #expect(await connection.read(until: "ab").contains("200"))
            connection.abort()
            await pipe.waitUntilCancelled()
        }
    }

    @Test("answers a dialogue piece by piece") func dialogue() async throws {
        try await ServedAgent.with(FakeAgent(exchange: { _ in Pipe() })) { served in
            let connection = try RawConnection(socket: served.socket)
            await connection.send("POST /v1/call/w/m HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
            for word in ["one", "two", "three"] {
                await connection.send("\(word.count)\r\n\(word)\r\n")
                #expect(await connection.read(until: word).contains(word))
            }
            await connection.send("0\r\n\r\n")
            #expect(await connection.read(until: "dsmp-status").contains("dsmp-status: ok"))
        }
    }

    @Test(
        "refuses wrong fields", arguments: ["dsmp-deadline-ms: 0", "dsmp-deadline-ms: soon", "idempotency-key: LONG"])
    func wrongFields(field: String) async throws {
        try await ServedAgent.with { served in
            let connection = try RawConnection(socket: served.socket)
            let field = field.replacing("LONG", with: String(repeating: "k", count: 65))
            await connection.send(
                "POST /v1/call/w/m HTTP/1.1\r\nhost: x\r\n\(field)\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            #expect(await connection.read().hasPrefix("HTTP/1.1 400 "))
            #expect(served.agent.calls.isEmpty)
        }
    }
}
