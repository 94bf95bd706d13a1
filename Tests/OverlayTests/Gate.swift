/// Opens once.
actor Gate {
    private var isOpen = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func open() {
        self.isOpen = true
        for waiter in self.waiters { waiter.resume() }
        self.waiters = []
    }

    func wait() async {
        if !self.isOpen { await withCheckedContinuation { self.waiters.append($0) } }
    }
}
