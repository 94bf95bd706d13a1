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
    /// Other jobs may run before the body: what the caller checked must be checked again in it.
    package func suspend<Value: Sendable>(
        _ body: (CheckedContinuation<Value, Never>) -> Void
    ) async -> Value {
        await withTaskExecutorPreference(self.taskExecutor) { await withCheckedContinuation(body) }
    }
}
