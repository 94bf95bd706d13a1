import Libuv
import Testing

/// An actor on a loop, for tests that work with its handles.
actor LoopActor {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    init(on loop: EventLoop) { self.loop = loop }
    isolated deinit {}

    func run<R: Sendable>(_ body: @Sendable (isolated LoopActor) async throws -> R) async rethrows -> R {
        try await body(self)
    }
}

/// Runs a test on a fresh loop and then checks that the loop ends with nothing left open.
func withLoop<R: Sendable>(_ body: @Sendable (isolated LoopActor) async throws -> R) async throws -> R {
    let loop = EventLoop()
    let result: Result<R, any Error>
    do { result = .success(try await LoopActor(on: loop).run(body)) } catch { result = .failure(error) }
    let report = await loop.stop()
    #expect(report == EventLoop.StopReport(openHandleCount: 0, closeStatus: 0))
    #expect(await loop.stop() == report, "stopping twice reports the same")
    return try result.get()
}

/// Hands one value from a callback to a waiting test. Used on one loop's thread.
final class Slot<Value: Sendable> {
    private var value: Value?
    private var waiter: CheckedContinuation<Value, Never>?

    /// Keeps the first value and wakes who waits for it.
    func fill(_ value: Value) {
        guard self.value == nil else { return }
        self.value = value
        self.waiter?.resume(returning: value)
        self.waiter = nil
    }

    var isFilled: Bool { self.value != nil }

    func takeNow() -> Value? { self.value }

    func get() async -> Value {
        if let value = self.value { return value }
        return await withCheckedContinuation { self.waiter = $0 }
    }
}

/// Both ends of a TCP connection over loopback.
struct TCPPair {
    let listener: TCPListener
    let client: TCPConnection
    let server: TCPConnection
}

/// Connects two sockets through a listener on a port that the kernel chooses.
func connectedPair(on loop: EventLoop) async throws -> TCPPair {
    let loopback = try #require(SocketAddress("127.0.0.1", port: 0))
    let listener = try TCPListener(at: loopback, on: loop)
    let accepted = Handover<TCPConnection>()
    try listener.start(onConnection: { accepted.give($0) }, onTrouble: { Issue.record("\($0)") })
    let client = try TCPConnection(on: loop)
    try await client.connect(to: listener.address)
    await accepted.wait()
    return TCPPair(listener: listener, client: client, server: try #require(accepted.taken))
}

/// Hands an object that is not `Sendable` from a callback to a test on the same loop.
final class Handover<Object> {
    private(set) var taken: Object?
    private var waiter: CheckedContinuation<Void, Never>?

    func give(_ object: Object) {
        self.taken = object
        self.waiter?.resume()
        self.waiter = nil
    }

    func wait() async {
        if self.taken != nil { return }
        await withCheckedContinuation { self.waiter = $0 }
    }
}

/// The error that the body throws, on the caller's actor, which an `await #expect(throws:)` leaves; an issue if it throws none.
func failure(_ body: () async throws(LibuvError) -> Void) async -> LibuvError? {
    do throws(LibuvError) {
        try await body()
        Issue.record("nothing was thrown")
        return nil
    } catch { return error }
}
