import Synchronization

/// Runs tasks that prefer it on a loop's thread (`Task(executorPreference:)`).
///
/// A type of its own: an executor that is both serial and a task executor makes every call between actors enqueue a job.
package final class LoopTaskExecutor: TaskExecutor {
    private let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    package func enqueue(_ job: consuming ExecutorJob) { self.loop.add(.taskJob(UnownedJob(job))) }
}

extension EventLoop {
    /// Where tasks of this loop should prefer to run.
    ///
    /// A resumed continuation first enqueues its task on the pool of threads and only from there on its actor: two hops
    /// between threads, 15 microseconds. For a task that prefers this executor the first step stays on the loop's thread,
    /// and the whole takes about one microsecond.
    package var taskExecutor: LoopTaskExecutor {
        if self.isCurrent, let executor = self.confined.taskExecutor { return executor }
        return self.inbox.withLock { inbox in
            if let executor = inbox.taskExecutor { return executor }
            let executor = LoopTaskExecutor(self)
            // The thread breaks this cycle when it ends; afterwards each caller gets one of its own.
            if inbox.phase != .stopped { inbox.taskExecutor = executor }
            return executor
        }
    }

    /// Suspends the current task until its continuation is resumed, exactly once; cheap when that happens on this loop's
    /// thread, whatever executor the task prefers.
    ///
    /// The body runs at once, before any other job. If it resumes, the task is not suspended at all.
    package func suspend<Value: Sendable>(_ body: (LoopContinuation<Value>) -> Void) async -> Value {
        let continuation = LoopContinuation<Value>()
        body(continuation)
        if let value = continuation.takeValue() { return value }
        // The preference itself costs a turn through the loop's queue, which is why the body has run before.
        return await withTaskExecutorPreference(self.taskExecutor) {
            await withCheckedContinuation { continuation.attach($0) }
        }
    }

    /// Runs a closure on the loop's thread, at once when the caller is on it, and suspends until it has resumed what it is
    /// given; from any thread.
    package func settle<Value: Sendable>(
        _ body: @escaping @Sendable (LoopContinuation<Value>) -> Void
    ) async -> Value {
        if self.isCurrent { return await self.suspend { body($0) } }
        let continuation = LoopContinuation<Value>()
        self.perform { body(continuation) }
        return await withCheckedContinuation { continuation.attach($0) }
    }
}
