import Libuv
import Testing

/// An actor on a loop, for tests that work with its handles.
actor LoopActor {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    init(on loop: EventLoop) { self.loop = loop }

    func run<R: Sendable>(_ body: @Sendable (isolated LoopActor) async throws -> R) async rethrows -> R {
        try await body(self)
    }
}
