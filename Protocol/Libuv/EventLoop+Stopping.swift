import CLibuv
import DequeModule
import Synchronization

extension EventLoop {
    /// Closes every handle, runs what is queued, ends the thread and joins it. Call it from outside the loop.
    ///
    /// Handles report `ECANCELED` to whoever waits on them and refuse further use. Actors of the loop may outlive it: their
    /// jobs then run one at a time on a dispatch queue, where no handle can be opened. Calling it again returns the same
    /// report.
    @discardableResult @concurrent package func stop() async -> StopReport {
        let report = await withCheckedContinuation { (continuation: CheckedContinuation<StopReport, Never>) in
            let known = self.inbox.withLock { inbox -> StopReport? in
                if inbox.report == nil { inbox.stopWaiters.append(continuation) }
                return inbox.report
            }
            if let known {
                continuation.resume(returning: known)
            } else {
                self.perform { self.beginStopping() }
            }
        }
        let thread = self.inbox.withLock { inbox in
            let thread = inbox.unjoinedThread
            inbox.unjoinedThread = nil
            return thread
        }
        if var thread {
            unsafe uv_thread_join(&thread)  // The thread's last act was to resume us: this waits for microseconds.
        }
        return report
    }

    /// The body of the loop's thread.
    func runThread() {
        self.threadID.store(uv_thread_self(), ordering: .releasing)
        guard let loop = unsafe self.confined.loop else { return }
        self.confined.taskExecutor = self.taskExecutor
        _ = unsafe uv_run(loop, UV_RUN_DEFAULT)  // Returns when `beginStopping` has closed every handle.
        self.runRemainder()
        let status = self.confined.end()
        let report = StopReport(
            openHandleCount: self.openHandleCount.load(ordering: .relaxed), closeStatus: status)
        precondition(status == 0, "a libuv loop ended with open handles")
        let leftOver = Array(self.confined.queue)
        self.confined.queue.removeAll()
        self.confined.taskExecutor = nil
        self.threadID.store(0, ordering: .releasing)
        let (waiters, work) = self.inbox.withLock { inbox in
            let result = (inbox.stopWaiters, inbox.work)
            inbox.phase = .stopped
            inbox.report = report
            inbox.work = []
            inbox.stopWaiters = []
            inbox.taskExecutor = nil
            return result
        }
        for late in leftOver + work { self.runAfterwards(late) }
        for waiter in waiters { waiter.resume(returning: report) }
    }

    /// Closes every handle. On the loop's thread, as queued work.
    private func beginStopping() {
        guard !self.confined.isStopping, let loop = unsafe self.confined.loop else { return }
        self.confined.isStopping = true
        self.inbox.withLock { inbox in
            inbox.phase = .stopping  // From here on nobody sends to the wake-up handle.
            unsafe self.confined.wakeup = nil
        }
        self.confined.setIdle(active: false)
        unsafe self.confined.idle = nil
        // Collected first: closing a handle may close others that the walk has not reached.
        var handles: [UnsafeMutablePointer<uv_handle_t>] = unsafe []
        unsafe withUnsafeMutablePointer(to: &handles) { list in
            unsafe uv_walk(
                loop,
                { handle, list in
                    guard let handle = unsafe handle, let list = unsafe list else { return }
                    unsafe list.assumingMemoryBound(to: [UnsafeMutablePointer<uv_handle_t>].self).pointee.append(handle)
                }, list)
        }
        unsafe handles.forEach { handle in
            guard unsafe uv_is_closing(handle) == 0 else { return }
            if let core = unsafe HandleCore.of(handle) {
                core.loopStops()
            } else {
                unsafe uv_close(handle) { unsafe $0?.deallocate() }
            }
        }
    }

    /// Runs what was queued while the handles closed, bounded, so that a task in an endless loop cannot hold up the end.
    private func runRemainder() {
        var budget = Self.maximumJobsWhileStopping
        while budget > 0 {
            if self.confined.queue.isEmpty {
                var work: [Work] = []
                self.inbox.withLock { swap(&$0.work, &work) }
                self.confined.queue.append(contentsOf: work)
            }
            guard let work = self.confined.queue.popFirst() else { return }
            self.run(work)
            budget -= 1
        }
    }
}
