import CLibuv
import DequeModule
import Dispatch
import Glibc
import Synchronization

/// One thread that runs one libuv loop, its handles and the jobs of the actors bound to it.
///
/// A loop either lives as long as the process or is ended by ``stop()``. Jobs that the loop's own thread enqueues stay in
/// a queue of that thread and are run right after the callback that enqueued them, without a wake-up; jobs of other
/// threads are collected under a lock and announced with one `uv_async_send` a batch.
@safe package final class EventLoop: SerialExecutor {
    /// What other threads leave for the loop's thread.
    struct Inbox {
        var phase = Phase.running
        var work: [Work] = []
        var stopWaiters: [CheckedContinuation<StopReport, Never>] = []
        var report: StopReport?
        var unjoinedThread: uv_thread_t?
        var taskExecutor: LoopTaskExecutor?
    }
    enum Phase { case running, stopping, stopped }
    enum Work: Sendable { case job(UnownedJob), taskJob(UnownedJob), call(@Sendable () -> Void) }

    /// What ``stop()`` found when the loop had ended.
    package struct StopReport: Sendable, Equatable {
        /// Handles whose close callback never ran; 0 unless this module is wrong.
        package let openHandleCount: Int
        /// What `uv_loop_close` returned; 0 unless this module is wrong.
        package let closeStatus: Int32

        package init(openHandleCount: Int, closeStatus: Int32) {
            self.openHandleCount = openHandleCount
            self.closeStatus = closeStatus
        }
    }

    /// Counts since the start, for tests and metrics.
    package struct Statistics: Sendable {
        /// How often another thread had to wake the loop (`uv_async_t` callbacks).
        package let wakeUpCount: Int
        /// Jobs enqueued from the loop's own thread.
        package let localJobCount: Int
        /// Jobs enqueued from other threads.
        package let foreignJobCount: Int
        /// libuv handles that are open now, without the loop's own four.
        package let openHandleCount: Int
    }

    /// Jobs run between two polls for I/O, so that a chatty actor cannot starve the sockets.
    package static let maximumJobsPerTurn = 1_024
    /// Jobs run after the handles were closed; what remains runs on a dispatch queue (see ``stop()``).
    static let maximumJobsWhileStopping = 65_536

    let inbox = Mutex<Inbox>(Inbox())
    let threadID = Atomic<UInt>(0)
    let wakeUpCount = Atomic<Int>(0)
    let localJobCount = Atomic<Int>(0)
    let foreignJobCount = Atomic<Int>(0)
    let openHandleCount = Atomic<Int>(0)
    let confined: LoopConfined
    /// Runs the jobs that arrive after ``stop()``, such as the `isolated deinit` of an actor that outlives its loop.
    let afterlife = DispatchQueue(label: "dsmp.event-loop.stopped")

    /// Starts the thread. Traps when the process is out of file descriptors or threads.
    package init() {
        HeapMemory.tune()
        _ = signal(SIGPIPE, SIG_IGN)  // A write to a closed socket must be an error, not the end of the process.
        self.confined = LoopConfined()
        let argument = unsafe Unmanaged.passRetained(self)
        unsafe self.confined.open(owner: argument.toOpaque())
        let main: uv_thread_cb = { argument in
            guard let argument = unsafe argument else { return }
            // The thread owns the reference until the loop has stopped.
            unsafe Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().runThread()
        }
        var thread = uv_thread_t()
        let status = unsafe uv_thread_create(&thread, main, argument.toOpaque())
        precondition(status == 0, "cannot start the event loop's thread; raise the limit `ulimit -u`")
        self.inbox.withLock { [thread] in $0.unjoinedThread = thread }
    }

    /// Whether the caller runs on the loop's thread.
    package var isCurrent: Bool { self.threadID.load(ordering: .acquiring) == uv_thread_self() }

    /// Traps unless the caller runs on the loop's thread; a handle used elsewhere is a broken invariant of ours.
    package func preconditionIsCurrent() {
        precondition(self.isCurrent, "a libuv handle may only be used on its loop's thread")
    }

    /// The loop's cached time in milliseconds of a monotonic clock with an arbitrary start (`uv_now`). Loop thread only.
    package var nowMilliseconds: UInt64 {
        self.preconditionIsCurrent()
        guard let loop = unsafe self.confined.loop else { return MonotonicClock.nowMilliseconds }
        return unsafe uv_now(loop)
    }

    /// A snapshot of the counts; from any thread.
    package var statistics: Statistics {
        Statistics(
            wakeUpCount: self.wakeUpCount.load(ordering: .relaxed),
            localJobCount: self.localJobCount.load(ordering: .relaxed),
            foreignJobCount: self.foreignJobCount.load(ordering: .relaxed),
            openHandleCount: self.openHandleCount.load(ordering: .relaxed))
    }
}
