import CLibuv

/// What TCP and Unix socket connections have in common (`uv_stream_t`).
@safe package class StreamConnection: LoopHandle, ByteStream {
    /// Queued bytes from which on ``isWritable`` is false.
    package final var highWaterMarkByteCount = 1_024 * 1_024
    /// Queued bytes at which the stream is writable again.
    package final var lowWaterMarkByteCount = 256 * 1_024
    /// Queued bytes above which the stream fails with `ENOBUFS`: somebody ignores back-pressure.
    package final var maximumQueuedByteCount = 64 * 1_024 * 1_024

    /// Bytes received since the start.
    package final private(set) var receivedByteCount: UInt64 = 0
    /// Bytes that the kernel took since the start.
    package final internal(set) var sentByteCount: UInt64 = 0
    package final internal(set) var queuedByteCount = 0
    package final internal(set) var isWritable = true
    /// What broke the stream, if anything.
    package final private(set) var failure: LibuvError?

    final var onBytes: ((RawSpan) -> Void)?
    final var onEvent: ((ByteStreamEvent) -> Void)?
    final var pending: [[UInt8]] = []
    final var isWriting = false
    final var isShutdownRequested = false
    final var writableWaiters: [LoopContinuation<LibuvError?>] = []
    private final var isReading = false
    private final var hasFinished = false

    package var localAddress: SocketAddress? { nil }
    package var remoteAddress: SocketAddress? { nil }

    final var stream: UnsafeMutablePointer<uv_stream_t>? { unsafe self.pointer(as: uv_stream_t.self) }

    package final func start(
        onBytes: @escaping (RawSpan) -> Void, onEvent: @escaping (ByteStreamEvent) -> Void
    ) {
        self.loop.preconditionIsCurrent()
        self.onBytes = onBytes
        self.onEvent = onEvent
        if let failure = self.failure {
            onEvent(.failed(failure))
        } else {
            self.resumeReading()
        }
    }

    package final func pauseReading() {
        self.loop.preconditionIsCurrent()
        guard self.isReading, let stream = unsafe self.stream else { return }
        self.isReading = false
        unsafe uv_read_stop(stream)
    }

    package final func resumeReading() {
        self.loop.preconditionIsCurrent()
        guard !self.isReading, !self.hasFinished, self.failure == nil, let stream = unsafe self.stream else { return }
        let status = unsafe uv_read_start(
            stream,
            { handle, _, buffer in
                guard let handle = unsafe handle, let loop = unsafe handle.pointee.loop else { return }
                let scratch = unsafe EventLoop.owner(of: loop).confined.scratch
                unsafe buffer?.pointee.base = scratch.baseAddress?.assumingMemoryBound(to: CChar.self)
                unsafe buffer?.pointee.len = scratch.count
            },
            { handle, count, buffer in
                guard let handle = unsafe handle, let connection = unsafe StreamConnection.owner(of: handle) else {
                    return
                }
                if count > 0, let base = unsafe buffer?.pointee.base {
                    unsafe connection.received(UnsafeRawBufferPointer(start: base, count: count))
                } else if count < 0 {
                    connection.readingEnded(status: Int32(truncatingIfNeeded: count))
                }
            })
        if status == 0 { self.isReading = true } else { self.fail(LibuvError(status: status, "read from a stream")) }
    }

    private final func received(_ bytes: UnsafeRawBufferPointer) {
        self.receivedByteCount &+= UInt64(bytes.count)
        self.onBytes?(unsafe bytes.bytes)
    }

    private final func readingEnded(status: Int32) {
        self.isReading = false
        if LibuvError.Code(rawValue: status) == .endOfFile {
            self.hasFinished = true
            if let stream = unsafe self.stream { unsafe uv_read_stop(stream) }
            self.onEvent?(.finished)
        } else {
            self.fail(LibuvError(status: status, "read from a stream"))
        }
    }

    /// Reports the first failure and drops what is queued.
    final func fail(_ error: LibuvError) {
        guard self.failure == nil else { return }
        self.failure = error
        if self.isOpen { self.pauseReading() }
        self.pending = []
        self.resumeWaiters(with: error)
        self.onEvent?(.failed(error))
    }

    final func resumeWaiters(with error: LibuvError?) {
        let waiters = self.writableWaiters
        self.writableWaiters = []
        for waiter in waiters { waiter.resume(returning: error) }
    }

    override final func didClose() {
        self.onBytes = nil
        self.onEvent = nil
        self.pending = []
        self.queuedByteCount = 0
        self.resumeWaiters(with: self.failure ?? LibuvError(.cancelled, "use a stream that was closed"))
        self.connectingEnded(LibuvError(.cancelled, "connect"))
    }

    override final func loopStops() {
        let onEvent = self.onEvent
        let failure = LibuvError(.cancelled, "go on with a stream whose event loop stops")
        let isFirst = self.failure == nil
        self.failure = self.failure ?? failure
        self.close()
        if isFirst { onEvent?(.failed(failure)) }
    }

    // MARK: Connecting

    /// Called once when connecting has succeeded or failed.
    final var onConnected: ((LibuvError?) -> Void)?
    final var connectingTo = ""

    final func connectingEnded(_ error: LibuvError?) {
        guard let onConnected = self.onConnected else { return }
        self.onConnected = nil
        if let error, self.isOpen { self.failure = error }
        onConnected(error)
    }

    /// Turns a connect callback into a `throws` for the caller.
    final func awaitConnection(_ begin: (@escaping (LibuvError?) -> Void) -> Void) async throws(LibuvError) {
        let error = await self.loop.suspend { (continuation: LoopContinuation<LibuvError?>) in
            begin { continuation.resume(returning: $0) }
        }
        if let error { throw error }
    }

    /// `uv_connect_cb` for both kinds; frees the request.
    static let connectCallback: uv_connect_cb = { request, status in
        guard let request = unsafe request else { return }
        let handle = unsafe request.pointee.handle
        unsafe request.deallocate()
        guard let handle = unsafe handle, let connection = unsafe StreamConnection.owner(of: handle) else { return }
        connection.connected(status: status)
    }

    private final func connected(status: Int32) {
        if status == 0 { self.didConnect() }
        self.connectingEnded(status == 0 ? nil : LibuvError(status: status, "connect to \(self.connectingTo)"))
    }

    /// For subclasses: options of a connected socket.
    func didConnect() {}
}
