import Libuv

/// Hands signals of this process to a closure. Bound to a loop, as libuv's handles are.
actor SignalRelay {
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    private var watchers: [SignalWatcher] = []

    init(on loop: EventLoop) {
        self.loop = loop
    }

    isolated deinit {}

    /// Calls the handler on the loop's thread at each delivery, until ``stop()``.
    func start(_ signals: [Int32], handler: @escaping @Sendable (Int32) -> Void) throws(LibuvError) {
        for signal in signals {
            self.watchers.append(try SignalWatcher(signal: signal, on: self.loop) { handler(signal) })
        }
    }

    func stop() { self.watchers = [] }
}
