import Libuv

/// A door that opens once; whoever waits before it goes on then.
actor Gate {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    private var isOpen = false
    private var waiters: [LoopContinuation<Void>] = []

    init(on loop: EventLoop) { self.loop = loop }

    /// Returns when the door is open.
    func wait() async {
        await self.loop.suspend { continuation in
            if self.isOpen { continuation.resume() } else { self.waiters.append(continuation) }
        }
    }

    /// Opens the door.
    func open() {
        self.isOpen = true
        let waiters = self.waiters
        self.waiters = []
        for waiter in waiters { waiter.resume() }
    }
}
