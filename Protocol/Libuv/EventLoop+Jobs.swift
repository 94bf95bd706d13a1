import CLibuv
import DequeModule
import Dispatch
import Synchronization

extension EventLoop {
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.add(.job(job))
    }

    /// Runs a closure on the loop's thread, after everything already queued there. From any thread, never re-entrantly.
    package func perform(_ body: @escaping @Sendable () -> Void) { self.add(.call(body)) }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { unsafe UnownedSerialExecutor(ordinary: self) }

    /// Lets `assumeIsolated` succeed in a libuv callback, where no Swift task runs. Without it that call traps.
    package func isIsolatingCurrentContext() -> Bool? { self.isCurrent }

    package func checkIsolated() { precondition(self.isCurrent, "not on the event loop's thread") }

    func add(_ work: Work) {
        if self.isCurrent, unsafe self.confined.loop != nil {
            // Only this thread writes the count.
            self.localJobCount.store(self.localJobCount.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
            self.confined.queue.append(work)
            return
        }
        self.foreignJobCount.add(1, ordering: .relaxed)
        let isStopped = self.inbox.withLock { inbox in
            guard inbox.phase != .stopped else { return true }
            inbox.work.append(work)
            // The first of a batch wakes the loop; inside the lock, because a stopping loop frees the handle.
            if inbox.phase == .running, inbox.work.count == 1, let wakeup = unsafe self.confined.wakeup {
                unsafe uv_async_send(wakeup)
            }
            return false
        }
        if isStopped { self.runAfterwards(work) }
    }

    /// Moves the work of other threads behind the loop's own (`uv_async_cb`).
    func takeInbox() {
        self.wakeUpCount.store(self.wakeUpCount.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        var work: [Work] = []
        self.inbox.withLock { swap(&$0.work, &work) }
        self.confined.queue.append(contentsOf: work)
    }

    /// Runs one bounded batch. What is left waits until I/O was polled.
    func runTurn() {
        var budget = Self.maximumJobsPerTurn
        while budget > 0, let work = self.confined.queue.popFirst() {
            self.run(work)
            budget -= 1
        }
        self.confined.setIdle(active: !self.confined.queue.isEmpty)
    }

    func run(_ work: Work) {
        switch work {
        // `runSynchronously(isolatedTo:taskExecutor:)` would make every call between our actors enqueue again.
        case .job(let job): unsafe job.runSynchronously(on: self.asUnownedSerialExecutor())
        case .taskJob(let job): unsafe job.runSynchronously(on: self.taskExecutor.asUnownedTaskExecutor())
        case .call(let body): body()
        }
    }

    /// Runs work that arrived after the loop ended, still one at a time and still isolated.
    func runAfterwards(_ work: Work) {
        self.afterlife.async {
            self.threadID.store(uv_thread_self(), ordering: .releasing)
            self.run(work)
            self.threadID.store(0, ordering: .releasing)
        }
    }

    /// The loop that a C loop belongs to.
    static func owner(of loop: UnsafeMutablePointer<uv_loop_t>) -> EventLoop {
        guard let data = unsafe uv_loop_get_data(loop) else { preconditionFailure("a libuv loop without its owner") }
        return unsafe Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
    }
}
