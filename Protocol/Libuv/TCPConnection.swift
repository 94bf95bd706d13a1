import CLibuv

/// One TCP connection (`uv_tcp_t`), without Nagle's delay and with keep-alive probes.
@safe package final class TCPConnection: StreamConnection {
    /// Seconds of silence after which the kernel probes whether the other side is still there.
    private static var keepAliveDelaySeconds: UInt32 { 60 }

    /// Creates an unconnected socket handle: ``connect(to:)`` comes next.
    package init(on loop: EventLoop) throws(LibuvError) {
        unsafe try super.init(on: loop, UV_TCP, for: "create a TCP socket") { loop, memory in
            unsafe uv_tcp_init(loop, memory.assumingMemoryBound(to: uv_tcp_t.self))
        }
    }

    /// Takes over a connected socket, such as an accepted one (`uv_tcp_open`).
    package convenience init(adopting descriptor: consuming OwnedDescriptor, on loop: EventLoop) throws(LibuvError) {
        try self.init(on: loop)
        guard let tcp = unsafe self.pointer(as: uv_tcp_t.self) else { return }
        let status = unsafe uv_tcp_open(tcp, descriptor.number)
        guard status == 0 else { throw LibuvError(status: status, "adopt a TCP socket") }
        _ = descriptor.release()
        self.didConnect()
    }

    /// Connects; the completion runs on the loop's thread. ``close()`` ends the attempt with `ECANCELED`, for a time-out.
    package func connect(to address: SocketAddress, completion: @escaping (LibuvError?) -> Void) {
        self.loop.preconditionIsCurrent()
        guard let tcp = unsafe self.pointer(as: uv_tcp_t.self) else {
            completion(LibuvError(.cancelled, "connect a closed socket"))
            return
        }
        self.onConnected = completion
        self.connectingTo = address.description
        let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
        let status = unsafe address.withSockaddr { address, _ in
            unsafe uv_tcp_connect(request, tcp, address, StreamConnection.connectCallback)
        }
        if status != 0 {
            unsafe request.deallocate()
            self.connectingEnded(LibuvError(status: status, "connect to \(address)"))
        }
    }

    /// Connects. ``close()`` ends the attempt with `ECANCELED`, for a time-out.
    package func connect(to address: SocketAddress) async throws(LibuvError) {
        try await self.awaitConnection { self.connect(to: address, completion: $0) }
    }

    package override var localAddress: SocketAddress? {
        guard let tcp = unsafe self.pointer(as: uv_tcp_t.self) else { return nil }
        return unsafe SocketAddress.query { unsafe uv_tcp_getsockname(tcp, $0, $1) }
    }

    package override var remoteAddress: SocketAddress? {
        guard let tcp = unsafe self.pointer(as: uv_tcp_t.self) else { return nil }
        return unsafe SocketAddress.query { unsafe uv_tcp_getpeername(tcp, $0, $1) }
    }

    override func didConnect() {
        guard let tcp = unsafe self.pointer(as: uv_tcp_t.self) else { return }
        // Neither can fail on a connected socket, and both are tuning only.
        unsafe uv_tcp_nodelay(tcp, 1)
        unsafe uv_tcp_keepalive(tcp, 1, Self.keepAliveDelaySeconds)
    }
}
