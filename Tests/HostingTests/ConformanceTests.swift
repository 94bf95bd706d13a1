import Hosting
import Libuv
import Mesh
import TestKit
import Testing

/// What every kind of worker must do, run against each implementation in its real surroundings: a library in this
/// process, and jailed processes in Python and Swift.
@Suite("A worker of every kind") struct ConformanceTests {
    @Test("answers a call", arguments: Implementation.allCases) func unary(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        #expect(try await test.call("sum", [Array("hello".utf8)]) == [Array("5".utf8)])
        #expect(try await test.call("sum", []) == [Array("0".utf8)])
        await test.host.shutdown()
    }

    @Test("keeps the boundaries and the order of messages, empty ones too", arguments: Implementation.allCases)
    func boundaries(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        var random = SplitMix64(seed: 11)
        var messages = [[], [1], random.bytes(1_048_576), [], random.bytes(65_537)]
        for _ in 0..<200 { messages.append(random.bytes(Int.random(in: 0...300, using: &random))) }
        #expect(try await test.call("echo", messages) == messages)
        await test.host.shutdown()
    }

    @Test("refuses a message that is too long and goes on", arguments: Implementation.allCases)
    func tooLong(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        let exchange = try await test.open("sum")
        let error = await #expect(throws: CallFailure.self) {
            try await exchange.send([UInt8](repeating: 0, count: CallLimits.messageBytes + 1))
        }
        #expect(error?.code == .invalidArgument)
        try await exchange.send([UInt8](repeating: 0, count: CallLimits.messageBytes))
        try await exchange.finishSending()
        #expect(try await exchange.receive() == Array("1048576".utf8))
        #expect(try await exchange.receive() == nil)
        await test.host.shutdown()
    }

    @Test("takes much more input than any buffer", arguments: Implementation.allCases)
    func largeInput(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        let exchange = try await test.open("sum")
        let message = [UInt8](repeating: 1, count: 262_144)
        for _ in 0..<256 { try await exchange.send(message) }
        try await exchange.finishSending()
        #expect(try await exchange.receive() == Array("67108864".utf8))
        await test.host.shutdown()
    }

    @Test("waits for a caller that does not receive", arguments: Implementation.allCases)
    func outputBackPressure(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        let exchange = try await test.open("stream")
        try await exchange.send(Array("1024".utf8))
        try await exchange.finishSending()
        // Another whole call passes while 64 MiB wait; the host holds a window of them at most.
        #expect(try await test.call("sum", [[1, 2, 3]]) == [Array("3".utf8)])
        var count = 0
        while let message = try await exchange.receive() { count += message.count }
        #expect(count == 67_108_864)
        await test.host.shutdown()
    }

    @Test("makes a caller wait for a worker that does not read", arguments: Implementation.allCases)
    func inputBackPressure(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        // Nobody receives the echoes, so that the worker stops reading, so that the sender must stop.
        let exchange = try await test.open("echo")
        let sender = Task {
            var sent = 0
            do {
                while true {
                    try await exchange.send([UInt8](repeating: 0, count: 65_536))
                    sent += 65_536
                }
            } catch { return sent }
        }
        // When this call is through, the sender has had time for far more than the windows; it must be waiting.
        for _ in 0..<20 { _ = try await test.call("sum", [[UInt8](repeating: 0, count: 1_048_576)]) }
        exchange.cancel()
        let sent = await sender.value
        #expect(sent <= 4 * 1_048_576, "\(sent) bytes were taken from the sender")
        await test.host.shutdown()
    }

    @Test("is told of a cancellation", arguments: Implementation.allCases)
    func cancellation(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind, concurrency: 1)
        for _ in 0..<5 {
            let exchange = try await test.openWhenFree("slow")
            exchange.cancel()
            let error = await #expect(throws: CallFailure.self) { _ = try await exchange.receive() }
            #expect(error?.code == .cancelled)
        }
        await test.host.shutdown()
    }

    @Test("is cancelled with the task that waits for it", arguments: Implementation.allCases)
    func taskCancellation(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        let exchange = try await test.open("slow")
        let waiting = Task { try await exchange.receive() }
        waiting.cancel()
        let result = await waiting.result
        #expect(throws: CallFailure.self) { _ = try result.get() }
        await test.host.shutdown()
    }

    @Test("is ended at the deadline", arguments: Implementation.allCases)
    func deadline(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        let exchange = try await test.open("slow", deadlineMilliseconds: 50)
        let error = await #expect(throws: CallFailure.self) { _ = try await exchange.receive() }
        #expect(error?.code == .deadlineExceeded)
        #expect(try await test.call("sum", [[1]]) == [Array("1".utf8)])
        await test.host.shutdown()
    }

    @Test("fails a call with its own text", arguments: Implementation.allCases)
    func failure(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        let error = await #expect(throws: CallFailure.self) { _ = try await test.call("fail", []) }
        #expect(error?.code == .failed)
        #expect(error?.message == "as asked")
        await test.host.shutdown()
    }

    @Test("has the methods it has", arguments: Implementation.allCases)
    func unknownMethod(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        let unlisted = await #expect(throws: CallFailure.self) { _ = try await test.call("other", []) }
        #expect(unlisted?.code == .noSuchMethod)
        // Listed in the manifest, but not in the worker.
        let missing = await #expect(throws: CallFailure.self) { _ = try await test.call("missing", []) }
        #expect(missing?.code == .noSuchMethod)
        await test.host.shutdown()
    }

    @Test("serves many calls at once, and no more than its limit", arguments: Implementation.allCases)
    func manyCalls(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind, concurrency: 64)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<64 {
                group.addTask {
                    let messages = (0..<20).map { [UInt8](repeating: UInt8(index), count: $0 * 100) }
                    return try await test.call("echo", messages) == messages
                }
            }
            for try await isEqual in group { #expect(isEqual) }
        }
        var held: [any CallExchange] = []
        for _ in 0..<64 { held.append(try await test.openWhenFree("slow")) }
        let error = await #expect(throws: CallFailure.self) { _ = try await test.open("sum") }
        #expect(error?.code == .resourceExhausted)
        #expect(error?.mayRetryElsewhere == true)
        for exchange in held { exchange.cancel() }
        await test.host.shutdown()
    }

    @Test("ends its calls when it is stopped", arguments: Implementation.allCases)
    func stopping(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        #expect(try await test.call("sum", [[1]]) == [Array("1".utf8)])
        try await test.host.stop(try ConformanceHost.name("conformance"))
        let error = await #expect(throws: CallFailure.self) { _ = try await test.open("sum") }
        #expect(error?.code == .unavailable)
        #expect(error?.mayRetryElsewhere == true)
        try await test.host.restart(try ConformanceHost.name("conformance"))
        try await test.host.waitUntilReady(try ConformanceHost.name("conformance"))
        #expect(try await test.call("sum", [[1]]) == [Array("1".utf8)])
        await test.host.shutdown()
    }

    @Test("that crashes fails its calls and is started again", arguments: [Implementation.python, .swift])
    func crash(_ kind: Implementation) async throws {
        let test = try await ConformanceHost.ready(kind)
        let bystander = try await test.open("slow", key: [1])
        let error = await #expect(throws: CallFailure.self) { _ = try await test.call("crash", []) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("status 3") == true, "\(error?.message ?? "")")
        #expect(error?.mayRetryElsewhere == false)
        let other = await #expect(throws: CallFailure.self) { _ = try await bystander.receive() }
        #expect(other?.mayRetryElsewhere == true, "the caller gave an idempotency key")
        let again = try await test.openWhenFree("sum")
        try await again.finishSending()
        #expect(try await again.receive() == Array("0".utf8))
        let status = try #require(await test.host.status(try ConformanceHost.name("conformance")))
        #expect(status.instances[0].restartCount == 1)
        await test.host.shutdown()
    }
}

extension ConformanceHost {
    /// Opens a call as soon as the worker has a free place for it and runs.
    func openWhenFree(_ method: String, worker: String = "conformance") async throws -> any CallExchange {
        while true {
            do { return try await self.open(method, worker: worker) } catch let failure as CallFailure
                where failure.mayRetryElsewhere
            {
                try await TestLoop.loop.sleep(milliseconds: 5)
            }
        }
    }
}
