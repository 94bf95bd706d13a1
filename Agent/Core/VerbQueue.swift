package import Libuv

/// Lets one verb at a time change what the agent keeps, in the order they came.
///
/// An actor alone does not do that: its methods interleave wherever one waits.
actor VerbQueue {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(loop: EventLoop) { self.loop = loop }

    /// Returns when it is the caller's turn; ``leave()`` ends the turn.
    func enter() async {
        guard self.isBusy else {
            self.isBusy = true
            return
        }
        await self.loop.suspend { self.waiting.append($0) }
    }

    func leave() {
        if self.waiting.isEmpty {
            self.isBusy = false
        } else {
            self.waiting.removeFirst().resume()
        }
    }
}

extension Agent {
    /// Runs a verb that changes something, alone.
    func exclusively<Value, Failure: Error>(
        _ body: (isolated Agent) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        await self.verbs.enter()
        do throws(Failure) {
            let value = try await body(self)
            await self.verbs.leave()
            return value
        } catch {
            await self.verbs.leave()
            throw error
        }
    }
}
