import CLibuv
import DequeModule

/// The state of an ``EventLoop`` that only its own thread touches.
///
/// Safety: other threads only pass `wakeup` to `uv_async_send`, the one libuv call that is allowed from any thread, inside
/// the inbox's lock and while the phase says that the handle is open.
@safe final class LoopConfined: @unchecked Sendable {
    typealias HandlePointer = UnsafeMutablePointer<uv_handle_t>

    /// Nil once the loop has ended.
    private(set) var loop: UnsafeMutablePointer<uv_loop_t>?
    /// Nil once the loop is stopping.
    var wakeup: UnsafeMutablePointer<uv_async_t>?
    var idle: UnsafeMutablePointer<uv_idle_t>?
    var isIdleActive = false
    var isStopping = false
    var queue = Deque<EventLoop.Work>()
    /// The same as the inbox's, without its lock.
    var taskExecutor: LoopTaskExecutor?
    /// What `uv_alloc_cb` hands out: libuv always ends one read, callback included, before it begins the next.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1_024, alignment: 64)

    /// Initialises the loop and its own four handles; before the thread starts.
    ///
    /// Runs jobs before the poll (`uv_prepare_t`: what timers enqueued) and after it (`uv_check_t`: what I/O enqueued).
    /// A job left over by the bound keeps the next poll from blocking through `uv_idle_t`.
    func open(owner: UnsafeMutableRawPointer) {
        func require(_ status: Int32) {
            precondition(status == 0, "libuv error \(status) at the start of a loop; raise the limit `ulimit -n`")
        }
        let loop = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
        require(unsafe uv_loop_init(loop))
        unsafe uv_loop_set_data(loop, owner)
        unsafe self.loop = loop

        let wakeup = UnsafeMutablePointer<uv_async_t>.allocate(capacity: 1)
        require(
            unsafe uv_async_init(loop, wakeup) { handle in
                guard let loop = unsafe handle?.pointee.loop else { return }
                unsafe EventLoop.owner(of: loop).takeInbox()
            })
        let prepare = UnsafeMutablePointer<uv_prepare_t>.allocate(capacity: 1)
        require(unsafe uv_prepare_init(loop, prepare))
        require(
            unsafe uv_prepare_start(prepare) { handle in
                guard let loop = unsafe handle?.pointee.loop else { return }
                unsafe EventLoop.owner(of: loop).runTurn()
            })
        let check = UnsafeMutablePointer<uv_check_t>.allocate(capacity: 1)
        require(unsafe uv_check_init(loop, check))
        require(
            unsafe uv_check_start(check) { handle in
                guard let loop = unsafe handle?.pointee.loop else { return }
                unsafe EventLoop.owner(of: loop).runTurn()
            })
        let idle = UnsafeMutablePointer<uv_idle_t>.allocate(capacity: 1)
        require(unsafe uv_idle_init(loop, idle))
        unsafe self.wakeup = wakeup
        unsafe self.idle = idle
        unsafe wakeup.pointee.data = nil  // No `HandleCore`: `beginStopping` closes these four itself.
        unsafe prepare.pointee.data = nil
        unsafe check.pointee.data = nil
        unsafe idle.pointee.data = nil
    }

    /// Makes the next poll return at once while jobs are left.
    func setIdle(active: Bool) {
        guard active != self.isIdleActive, let idle = unsafe self.idle else { return }
        self.isIdleActive = active
        if active {
            unsafe uv_idle_start(idle) { _ in }
        } else {
            unsafe uv_idle_stop(idle)
        }
    }

    /// Frees the loop after its last handle is closed, and returns what `uv_loop_close` said.
    func end() -> Int32 {
        guard let loop = unsafe self.loop else { return 0 }
        let status = unsafe uv_loop_close(loop)
        if status == 0 {
            unsafe loop.deallocate()
            unsafe self.loop = nil
        }
        return status
    }

    deinit { unsafe self.scratch.deallocate() }
}

/// Monotonic time with an arbitrary start (`uv_hrtime`), readable from any thread.
package enum MonotonicClock {
    package static var nowNanoseconds: UInt64 { uv_hrtime() }
    package static var nowMilliseconds: UInt64 { uv_hrtime() / 1_000_000 }
}
