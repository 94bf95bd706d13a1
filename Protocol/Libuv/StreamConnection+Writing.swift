import CLibuv

/// Chunks that libuv is writing: it owns them until its callback.
@safe private final class WriteBatch {
    let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
    let chunks: [[UInt8]]
    /// Without the part of the first chunk that was already written.
    let byteCount: Int

    init(chunks: [[UInt8]], byteCount: Int) {
        self.chunks = chunks
        self.byteCount = byteCount
    }

    deinit { unsafe self.request.deallocate() }
}

extension StreamConnection {
    /// Chunks given to libuv in one `uv_write`, which sends them with one `writev`.
    private static var maximumChunksPerWrite: Int { 256 }

    package final func write(_ bytes: [UInt8]) {
        self.loop.preconditionIsCurrent()
        guard !bytes.isEmpty, self.isOpen, self.failure == nil, !self.isShutdownRequested else { return }
        guard self.queuedByteCount + bytes.count <= self.maximumQueuedByteCount else {
            self.fail(LibuvError(.noBufferSpace, "queue more bytes for a stream that does not take them"))
            return
        }
        if self.isWriting {
            self.pending.append(bytes)
            self.didQueue(bytes.count)
            return
        }
        let sent = self.writeAtOnce(bytes)
        guard sent >= 0, sent < bytes.count else { return }
        self.didQueue(bytes.count - sent)
        self.beginWrite([bytes], skipping: sent)
    }

    package final func waitUntilWritable() async throws(LibuvError) {
        self.loop.preconditionIsCurrent()
        if self.failure == nil, self.isOpen, self.isWritable { return }
        let closed = LibuvError(.cancelled, "write to a closed stream")
        let error = await self.loop.suspend { (continuation: LoopContinuation<LibuvError?>) in
            if self.failure == nil, self.isOpen, !self.isWritable {
                self.writableWaiters.append(continuation)
            } else {
                continuation.resume(returning: self.failure ?? (self.isOpen ? nil : closed))
            }
        }
        if let error { throw error }
    }

    package final func shutdown() {
        self.loop.preconditionIsCurrent()
        guard self.isOpen, !self.isShutdownRequested else { return }
        self.isShutdownRequested = true
        if !self.isWriting { self.beginShutdown() }
    }

    /// Gives the kernel what it takes now (`uv_try_write`).
    ///
    /// - Returns: how many bytes went, or -1 when the stream failed.
    private final func writeAtOnce(_ bytes: [UInt8]) -> Int {
        guard let stream = unsafe self.stream else { return -1 }
        let status = unsafe bytes.withUnsafeBytes { bytes in
            var buffer = unsafe Self.buffer(of: bytes, skipping: 0)
            return unsafe uv_try_write(stream, &buffer, 1)
        }
        if status >= 0 {
            self.sentByteCount &+= UInt64(status)
            return Int(status)
        }
        if status == UV_EAGAIN.rawValue { return 0 }
        self.fail(LibuvError(status: status, "write to a stream"))
        return -1
    }

    private static func buffer(of bytes: UnsafeRawBufferPointer, skipping count: Int) -> uv_buf_t {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes.dropFirst(count))
        let base = unsafe UnsafeMutableRawPointer(mutating: rest.baseAddress)
        return unsafe uv_buf_t(base: base?.assumingMemoryBound(to: CChar.self), len: rest.count)
    }

    /// Gives libuv chunks to write when the socket has room (`uv_write`).
    private final func beginWrite(_ chunks: [[UInt8]], skipping skipped: Int) {
        guard let stream = unsafe self.stream else { return }
        let batch = WriteBatch(chunks: chunks, byteCount: chunks.reduce(-skipped) { $0 + $1.count })
        // Safety: an array's storage does not move while it is referenced and not mutated; the batch holds it, unchanged,
        // until the callback releases the batch.
        var buffers = unsafe batch.chunks.enumerated().map { index, chunk in
            unsafe chunk.withUnsafeBytes { unsafe Self.buffer(of: $0, skipping: index == 0 ? skipped : 0) }
        }
        unsafe batch.request.pointee.data = Unmanaged.passRetained(batch).toOpaque()
        let status = unsafe uv_write(batch.request, stream, &buffers, UInt32(buffers.count)) { request, status in
            guard let request = unsafe request, let data = unsafe request.pointee.data else { return }
            let handle = unsafe request.pointee.handle
            let batch = unsafe Unmanaged<WriteBatch>.fromOpaque(data).takeRetainedValue()
            guard let handle = unsafe handle, let connection = unsafe StreamConnection.owner(of: handle) else { return }
            connection.didWrite(byteCount: batch.byteCount, status: status)
        }
        if status == 0 {
            self.isWriting = true
        } else {
            unsafe Unmanaged.passUnretained(batch).release()
            self.fail(LibuvError(status: status, "write to a stream"))
        }
    }

    private final func didWrite(byteCount: Int, status: Int32) {
        self.isWriting = false
        guard self.isOpen else { return }
        self.queuedByteCount -= byteCount
        guard status == 0 else {
            self.fail(LibuvError(status: status, "write to a stream"))
            return
        }
        self.sentByteCount &+= UInt64(byteCount)
        if !self.pending.isEmpty {
            let chunks = Array(self.pending.prefix(Self.maximumChunksPerWrite))
            self.pending.removeFirst(chunks.count)
            self.beginWrite(chunks, skipping: 0)
        } else if self.isShutdownRequested {
            self.beginShutdown()
        }
        if !self.isWritable, self.queuedByteCount <= self.lowWaterMarkByteCount {
            self.isWritable = true
            self.resumeWaiters(with: nil)
            self.onEvent?(.writable)
        }
    }

    private final func didQueue(_ byteCount: Int) {
        self.queuedByteCount += byteCount
        if self.queuedByteCount >= self.highWaterMarkByteCount { self.isWritable = false }
    }

    /// Sends the end of the stream (`uv_shutdown`); an error means that the connection is gone, which reading reports.
    private final func beginShutdown() {
        guard let stream = unsafe self.stream else { return }
        let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
        let status = unsafe uv_shutdown(request, stream) { request, _ in unsafe request?.deallocate() }
        if status != 0 {
            unsafe request.deallocate()
            self.fail(LibuvError(status: status, "end a stream"))
        }
    }
}
