import CLibuv

/// A timer of a loop (`uv_timer_t`). Closed when dropped. Loop thread only.
@safe package final class LoopTimer: LoopHandle {
    private var handler: (() -> Void)?
    /// Called once if the loop stops while the timer is open, so that whoever waits for it can give up.
    package var onLoopStop: (() -> Void)?

    /// - Throws: `ECANCELED` when the loop is stopping.
    package init(on loop: EventLoop) throws(LibuvError) {
        unsafe try super.init(on: loop, UV_TIMER, for: "create a timer") { loop, memory in
            unsafe uv_timer_init(loop, memory.assumingMemoryBound(to: uv_timer_t.self))
        }
    }

    /// Whether it is going to fire.
    package var isActive: Bool {
        guard let handle = unsafe self.pointer(as: uv_handle_t.self) else { return false }
        return unsafe uv_is_active(handle) != 0
    }

    /// Calls the handler after a delay, and then at an interval if one is given. Starting again replaces what was started.
    ///
    /// Timers due at the same millisecond fire in the order of their start. A closed timer never fires.
    package func start(
        afterMilliseconds delay: UInt64, everyMilliseconds interval: UInt64 = 0, handler: @escaping () -> Void
    ) {
        self.loop.preconditionIsCurrent()
        guard let timer = unsafe self.pointer(as: uv_timer_t.self), let loop = unsafe timer.pointee.loop else { return }
        unsafe uv_update_time(loop)  // A long job may have left the cached time behind.
        self.handler = handler
        unsafe uv_timer_start(
            timer,
            { handle in
                guard let handle = unsafe handle, let timer = unsafe LoopTimer.owner(of: handle) else { return }
                timer.fire()
            }, delay, interval)
    }

    /// Keeps it from firing; ``start(afterMilliseconds:everyMilliseconds:handler:)`` sets it again.
    package func stop() {
        self.loop.preconditionIsCurrent()
        guard let timer = unsafe self.pointer(as: uv_timer_t.self) else { return }
        unsafe uv_timer_stop(timer)
        self.handler = nil
    }

    private func fire() {
        let handler = self.handler
        if !self.isActive { self.handler = nil }
        handler?()
    }

    override func didClose() {
        self.handler = nil
        self.onLoopStop = nil
    }

    override func loopStops() {
        let onLoopStop = self.onLoopStop
        self.close()
        onLoopStop?()
    }
}

extension EventLoop {
    /// Suspends the task for a time in milliseconds; from any thread.
    ///
    /// - Throws: `CancellationError` when the task is cancelled or the loop stops first.
    package func sleep(milliseconds: UInt64) async throws {
        let sleeper = Sleeper()
        let isDone = await withTaskCancellationHandler {
            await self.settle { sleeper.begin($0, milliseconds: milliseconds, on: self) }
        } onCancel: {
            self.perform { sleeper.end(isDone: false) }
        }
        if !isDone { throw CancellationError() }
    }
}

/// One sleeping task. Safety: used on the loop's thread only, through ``EventLoop/perform(_:)``.
private final class Sleeper: @unchecked Sendable {
    private var continuation: LoopContinuation<Bool>?
    private var timer: LoopTimer?
    private var isCancelled = false

    func begin(_ continuation: LoopContinuation<Bool>, milliseconds: UInt64, on loop: EventLoop) {
        guard !self.isCancelled, let timer = try? LoopTimer(on: loop) else {
            continuation.resume(returning: false)
            return
        }
        self.continuation = continuation
        self.timer = timer
        timer.onLoopStop = { self.end(isDone: false) }
        timer.start(afterMilliseconds: milliseconds) { self.end(isDone: true) }
    }

    func end(isDone: Bool) {
        self.isCancelled = true
        self.timer?.close()
        self.timer = nil
        self.continuation?.resume(returning: isDone)
        self.continuation = nil
    }
}
