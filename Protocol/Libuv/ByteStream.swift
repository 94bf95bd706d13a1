/// What happens to a ``ByteStream`` besides bytes arriving.
package enum ByteStreamEvent: Sendable, Equatable {
    /// The remote side sent its last byte; writing still works.
    case finished
    /// What was queued has fallen to the low-water mark after it had reached the high one.
    case writable
    /// The stream is broken in both directions: close it. Nothing follows.
    case failed(LibuvError)
}

/// A connected, ordered, reliable stream of bytes in both directions, such as TCP or a Unix socket.
///
/// One owner, on the loop's thread only. Back-pressure: stop the remote writer with ``pauseReading()``; stop writing when
/// ``isWritable`` turns false, and go on at ``ByteStreamEvent/writable``.
package protocol ByteStream: AnyObject {
    /// The loop whose thread uses this stream.
    var loop: EventLoop { get }
    /// This side's address; nil for Unix sockets and once closed.
    var localAddress: SocketAddress? { get }
    /// The other side's address; nil for Unix sockets and once closed.
    var remoteAddress: SocketAddress? { get }
    /// Bytes accepted by ``write(_:)`` that the kernel has not taken yet.
    var queuedByteCount: Int { get }
    /// False from the moment the queue reaches the high-water mark until it falls to the low one.
    var isWritable: Bool { get }

    /// Starts reading. The bytes lie in a buffer shared by all streams of the loop and are valid during the call only.
    func start(onBytes: @escaping (RawSpan) -> Void, onEvent: @escaping (ByteStreamEvent) -> Void)
    /// Stops taking bytes from the kernel, whose full buffer then stops the remote writer.
    func pauseReading()
    /// Goes on after ``pauseReading()``.
    func resumeReading()
    /// Sends the bytes, at once as far as the kernel takes them; the rest is queued. Never blocks.
    func write(_ bytes: [UInt8])
    /// Returns when ``isWritable`` holds.
    ///
    /// - Throws: what broke or closed the stream.
    func waitUntilWritable() async throws(LibuvError)
    /// Sends everything queued and then the end of the stream; reading still works.
    func shutdown()
    /// Closes in both directions at once and drops what is queued. No event follows.
    func close()
}
