import Libuv

/// Resets a stream that does not get anywhere in time. On the loop's thread only.
final class StreamGuard {
    private let timer: LoopTimer?
    private let stream: any MeshStream
    private let milliseconds: UInt64

    /// Starts to wait.
    init(_ stream: any MeshStream, on loop: EventLoop, milliseconds: UInt64) {
        self.stream = stream
        self.milliseconds = milliseconds
        // No timer can be had only while the loop stops, which closes the stream anyway.
        self.timer = try? LoopTimer(on: loop)
        self.touch()
    }

    deinit { self.timer?.close() }

    /// Starts to wait anew: something has moved.
    func touch() {
        self.timer?.start(afterMilliseconds: self.milliseconds) { [stream] in stream.reset() }
    }

    /// Waits no longer.
    func end() { self.timer?.close() }
}
