import Libuv
import Mesh

/// Starts one jailed process a call for a worker of kind `exec`.
actor ExecSession: CallCarrier {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    private let concurrency: Int
    private let starter: ProcessStarter
    private let log: @Sendable (String) -> Void
    private var calls: [UInt64: ExecProcess] = [:]
    private var nextKey: UInt64 = 1
    private var endReason: String?
    private let onStopped: @Sendable () -> Void

    /// `onStopped` is called on the loop after ``endCalls(_:)``, when the last process has ended.
    init(
        on loop: EventLoop, starter: ProcessStarter, concurrency: Int, log: @escaping @Sendable (String) -> Void,
        onStopped: @escaping @Sendable () -> Void
    ) {
        self.loop = loop
        self.starter = starter
        self.concurrency = concurrency
        self.log = log
        self.onStopped = onStopped
    }

    var activeCallCount: Int { self.calls.count }

    func open(_ order: CallOrder) throws(CallFailure) -> any CallExchange {
        guard self.endReason == nil else {
            throw CallFailure(.unavailable, "the worker is stopping", mayRetryElsewhere: true)
        }
        guard self.calls.count < self.concurrency else {
            throw CallFailure(
                .resourceExhausted, "the worker runs \(self.concurrency) processes, its limit; try later",
                mayRetryElsewhere: true, retryAfterMilliseconds: 200)
        }
        let key = self.nextKey
        self.nextKey += 1
        let loop = self.loop
        let process = ExecProcess(on: loop, order: order, log: self.log) { [weak self] in
            loop.perform { [weak self] in self?.assumeIsolated { $0.ended(key) } }
        }
        self.calls[key] = process
        let starter = self.starter
        process.assumeIsolated { $0.start(starter) }
        return ExecCall(process: process)
    }

    private func ended(_ key: UInt64) {
        self.calls.removeValue(forKey: key)
        if self.endReason != nil, self.calls.isEmpty { self.onStopped() }
    }

    func endCalls(_ reason: String) {
        guard self.endReason == nil else { return }
        self.endReason = reason
        guard !self.calls.isEmpty else { return self.onStopped() }
        for key in self.calls.keys.sorted() {
            self.calls[key]?.assumeIsolated { $0.fail(CallFailure(.unavailable, reason)) }
        }
    }
}
