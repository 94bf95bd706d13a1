import Libuv

/// Lets one verb at a time change what the agent keeps about one worker, in the order they came.
///
/// An actor alone does not do that: its methods interleave wherever one waits.
actor VerbQueue {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    /// Who waits behind the verb that runs, by subject.
    private var waiting: [String: [LoopContinuation<Void>]] = [:]

    init(loop: EventLoop) { self.loop = loop }

    /// Returns when it is the caller's turn; ``leave(_:)`` ends the turn.
    func enter(_ subject: String) async {
        // Looked at where it begins to wait, so that nothing comes in between.
        await self.loop.suspend { continuation in
            if self.waiting[subject] == nil {
                self.waiting[subject] = []
                continuation.resume()
            } else {
                self.waiting[subject]?.append(continuation)
            }
        }
    }

    func leave(_ subject: String) {
        guard var others = self.waiting[subject], !others.isEmpty else {
            self.waiting[subject] = nil
            return
        }
        let next = others.removeFirst()
        self.waiting[subject] = others
        next.resume()
    }
}

extension Agent {
    /// Runs a verb that changes something about a subject, such as a worker's full name, alone.
    func exclusively<Value, Failure: Error>(
        _ subject: String, _ body: (isolated Agent) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        await self.verbs.enter(subject)
        do throws(Failure) {
            let value = try await body(self)
            await self.verbs.leave(subject)
            return value
        } catch {
            await self.verbs.leave(subject)
            throw error
        }
    }
}
