import CLibuv
import Glibc

/// One Unix stream socket connection (`uv_pipe_t`).
@safe package final class PipeConnection: StreamConnection {
    /// Who is at the other end, as the kernel knows it.
    package struct Credentials: Sendable, Equatable {
        package let processID: Int32
        package let userID: UInt32
        package let groupID: UInt32
    }

    /// Creates an unconnected handle: ``connect(to:)`` comes next.
    package init(on loop: EventLoop) throws(LibuvError) {
        unsafe try super.init(on: loop, UV_NAMED_PIPE, for: "create a Unix socket") { loop, memory in
            unsafe uv_pipe_init(loop, memory.assumingMemoryBound(to: uv_pipe_t.self), 0)
        }
    }

    /// Takes over a connected socket or pipe: accepted, inherited or one of a ``SocketPair`` (`uv_pipe_open`).
    package convenience init(adopting descriptor: consuming OwnedDescriptor, on loop: EventLoop) throws(LibuvError) {
        try self.init(on: loop)
        guard let pipe = unsafe self.pointer(as: uv_pipe_t.self) else { return }
        let status = unsafe uv_pipe_open(pipe, descriptor.number)
        guard status == 0 else { throw LibuvError(status: status, "adopt a Unix socket") }
        _ = fcntl(descriptor.number, F_SETFD, FD_CLOEXEC)  // An inherited descriptor may lack it.
        _ = descriptor.release()
    }

    /// Connects to the socket file at a path of any length; the completion runs on the loop's thread.
    package func connect(to path: String, completion: @escaping (LibuvError?) -> Void) {
        self.loop.preconditionIsCurrent()
        guard let pipe = unsafe self.pointer(as: uv_pipe_t.self) else {
            completion(LibuvError(.cancelled, "connect a closed socket"))
            return
        }
        self.onConnected = completion
        self.connectingTo = path
        do throws(LibuvError) {
            let short = try UnixSocketPath(path)
            let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
            // Connects before it returns; only the report comes later.
            unsafe uv_pipe_connect(request, pipe, short.usablePath, StreamConnection.connectCallback)
        } catch {
            self.connectingEnded(error)
        }
    }

    /// Connects to the socket file at a path of any length.
    package func connect(to path: String) async throws(LibuvError) {
        try await self.awaitConnection { self.connect(to: path, completion: $0) }
    }

    /// The process that connected or listens at the other end (`SO_PEERCRED`); nil for anything but a Unix socket.
    package var peerCredentials: Credentials? {
        guard let handle = unsafe self.pointer(as: uv_handle_t.self) else { return nil }
        var number: Int32 = -1
        guard unsafe uv_fileno(handle, &number) == 0 else { return nil }
        var value = [Int32](repeating: 0, count: 3)  // struct ucred: pid, uid, gid.
        var length = socklen_t(12)
        guard unsafe getsockopt(number, SOL_SOCKET, SO_PEERCRED, &value, &length) == 0, length == 12 else { return nil }
        return Credentials(
            processID: value[0], userID: UInt32(bitPattern: value[1]), groupID: UInt32(bitPattern: value[2]))
    }
}
