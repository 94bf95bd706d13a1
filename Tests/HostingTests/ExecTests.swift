import Hosting
import Mesh
import TestKit
import Testing

@Suite("A worker that wraps an ordinary program") struct ExecTests {
    static let manifest = """
        name: programs
        release: 1.0.0
        kind: exec
        concurrency: 4
        methods:
          echo: {argv: [/usr/bin/cat]}
          sum: {argv: [/usr/bin/wc, -c]}
          stream: {argv: [/usr/bin/head, -c, "67108864", /dev/zero]}
          slow: {argv: [/usr/bin/sleep, "1000"]}
          fail: {argv: [/usr/bin/sh, -c, "echo what happened >&2; exit 3"]}
          loud: {argv: [/usr/bin/sh, -c, "seq 100000 >&2; exit 1"]}
          killed: {argv: [/usr/bin/sh, -c, "kill -9 $$"]}
          deaf: {argv: [/usr/bin/true]}
          early: {argv: [/usr/bin/head, -c, "3"]}
          missing: {argv: [/usr/bin/no-such-program]}
          folder: {argv: [/usr/bin/ls, /worker]}
        """

    static func ready() async throws -> ConformanceHost {
        let test = try ConformanceHost()
        try await test.start(try test.deployment(Self.manifest))
        return test
    }

    private func joined(_ test: ConformanceHost, _ method: String, _ messages: [[UInt8]]) async throws -> [UInt8] {
        Array(try await test.call(method, messages, worker: "programs").joined())
    }

    @Test("joins the messages to its standard input and cuts its output into messages") func streams() async throws {
        let test = try await Self.ready()
        var random = SplitMix64(seed: 5)
        let messages = (0..<40).map { _ in random.bytes(Int.random(in: 0...300_000, using: &random)) }
        #expect(try await self.joined(test, "echo", messages) == Array(messages.joined()))
        #expect(try await self.joined(test, "sum", [Array("hello".utf8)]) == Array("5\n".utf8))
        let lengths = try await test.call("stream", [], worker: "programs").map(\.count)
        #expect(lengths.reduce(0, +) == 67_108_864)
        #expect(lengths.max() ?? 0 <= 65_536)
        await test.host.shutdown()
    }

    @Test("quotes the end of standard error when it fails") func failure() async throws {
        let test = try await Self.ready()
        let error = await #expect(throws: CallFailure.self) { _ = try await self.joined(test, "fail", []) }
        #expect(error?.code == .failed)
        #expect(error?.message == "the program exited with status 3: what happened")
        let loud = await #expect(throws: CallFailure.self) { _ = try await self.joined(test, "loud", []) }
        #expect(loud?.message.hasSuffix("99999\n100000") == true)
        #expect(loud?.message.utf8.count == CallLimits.failureMessageBytes)
        let killed = await #expect(throws: CallFailure.self) { _ = try await self.joined(test, "killed", []) }
        #expect(killed?.message.contains("signal 9") == true, "\(killed?.message ?? "")")
        await test.host.shutdown()
    }

    @Test("says why a program could not be started") func missing() async throws {
        let test = try await Self.ready()
        let error = await #expect(throws: CallFailure.self) { _ = try await self.joined(test, "missing", []) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("no-such-program") == true, "\(error?.message ?? "")")
        await test.host.shutdown()
    }

    @Test("may end without reading its input") func earlyEnd() async throws {
        let test = try await Self.ready()
        let much = [[UInt8]](repeating: [UInt8](repeating: 1, count: 1_048_576), count: 8)
        #expect(try await self.joined(test, "deaf", much).isEmpty)
        #expect(try await self.joined(test, "early", much) == [1, 1, 1])
        await test.host.shutdown()
    }

    @Test("is ended with its call: cancelled, at the deadline, or forgotten") func ending() async throws {
        let test = try await Self.ready()
        let cancelled = try await test.open("slow", worker: "programs")
        cancelled.cancel()
        let first = await #expect(throws: CallFailure.self) { _ = try await cancelled.receive() }
        #expect(first?.code == .cancelled)
        let late = try await test.open("slow", worker: "programs", deadlineMilliseconds: 100)
        let second = await #expect(throws: CallFailure.self) { _ = try await late.receive() }
        #expect(second?.code == .deadlineExceeded)
        _ = try await test.open("slow", worker: "programs")
        // All three places are free again: four more calls fit at once.
        var held: [any CallExchange] = []
        for _ in 0..<4 { held.append(try await test.openWhenFree("slow", worker: "programs")) }
        let full = await #expect(throws: CallFailure.self) { _ = try await test.open("sum", worker: "programs") }
        #expect(full?.code == .resourceExhausted)
        for exchange in held { exchange.cancel() }
        try await test.host.stop(try ConformanceHost.name("programs"))
        #expect(await test.host.status(try ConformanceHost.name("programs"))?.activeCallCount == 0)
        await test.host.shutdown()
    }

    @Test("sees its folder, and only that") func folder() async throws {
        let test = try await Self.ready()
        #expect(try await self.joined(test, "folder", []) == Array("worker.yaml\n".utf8))
        await test.host.shutdown()
    }
}
