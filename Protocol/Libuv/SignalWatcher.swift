import CLibuv

/// Delivers one signal of this process to the loop (`uv_signal_t`) instead of its default action. Loop thread only.
@safe package final class SignalWatcher: LoopHandle {
    /// The signal's number, such as `SIGTERM`.
    package let signal: Int32
    private let handler: () -> Void

    /// Calls the handler at each delivery until closed or dropped. Several watchers may watch one signal.
    ///
    /// - Throws: `EINVAL` for a signal that cannot be caught.
    package init(signal: Int32, on loop: EventLoop, handler: @escaping () -> Void) throws(LibuvError) {
        self.signal = signal
        self.handler = handler
        unsafe try super.init(on: loop, UV_SIGNAL, for: "watch signal \(signal)") { loop, memory in
            unsafe uv_signal_init(loop, memory.assumingMemoryBound(to: uv_signal_t.self))
        }
        guard let handle = unsafe self.pointer(as: uv_signal_t.self) else { return }
        let status = unsafe uv_signal_start(
            handle,
            { handle, _ in
                guard let handle = unsafe handle, let watcher = unsafe SignalWatcher.owner(of: handle) else { return }
                watcher.handler()
            }, signal)
        guard status == 0 else { throw LibuvError(status: status, "watch signal \(signal)") }
    }
}
