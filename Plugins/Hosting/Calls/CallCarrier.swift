import Mesh

/// What a call needs to know beyond its header.
struct CallOrder: Sendable {
    var header: CallHeader
    var method: WorkerManifest.Method

    /// Whether caller or worker said that doing the call twice does no harm.
    var isIdempotent: Bool { !self.header.idempotencyKey.isEmpty || self.method.isIdempotent }
}

/// One running form of a worker that takes calls: a subprocess, a loaded library, or a starter of one process a call.
protocol CallCarrier: Actor {
    /// Begins a call.
    func open(_ order: CallOrder) throws(CallFailure) -> any CallExchange
    /// Calls in progress.
    var activeCallCount: Int { get }
    /// Refuses further calls, and ends what is left with the failure.
    func endCalls(_ reason: String)
}
