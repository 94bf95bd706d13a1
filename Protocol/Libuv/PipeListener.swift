import CLibuv
import Glibc

/// Accepts Unix socket connections at a path of any length. Closed by ``close()`` or when dropped. Loop thread only.
package final class PipeListener {
    package let path: String
    private let socket: ListeningSocket
    private let loop: EventLoop

    /// Binds a socket file that only this user can connect to (mode 0600 from the first moment) and listens.
    ///
    /// A file that a dead process left behind must be removed by the caller, who knows whether it is dead.
    ///
    /// - Throws: `EADDRINUSE` when the file exists.
    package init(at path: String, on loop: EventLoop) throws(LibuvError) {
        let operation = "listen on \(path)"
        let short = try UnixSocketPath(path)
        let number = dsmp_stream_socket(AF_UNIX)
        guard number >= 0 else { throw LibuvError.last(operation) }
        let descriptor = OwnedDescriptor(adopting: number)
        // Linux gives the file the mode of the socket, so that there is no moment at which others may connect.
        guard fchmod(number, 0o600) == 0 else { throw LibuvError.last(operation) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(short.usablePath.utf8)) }
        let status = unsafe withUnsafeBytes(of: &address) { bytes -> Int32 in
            guard let base = bytes.baseAddress else { return -1 }
            return unsafe bind(number, base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard status == 0 else { throw LibuvError.last(operation) }
        guard listen(number, TCPListener.backlog) == 0 else { throw LibuvError.last(operation) }
        self.path = path
        self.loop = loop
        self.socket = try ListeningSocket(adopting: descriptor, on: loop)
    }

    /// Accepts until closed. `onTrouble` hears why accepting is suspended for a moment.
    package func start(
        onConnection: @escaping (PipeConnection) -> Void, onTrouble: @escaping (LibuvError) -> Void
    ) throws(LibuvError) {
        try self.socket.start(
            onAccepted: { [loop] descriptor in
                do throws(LibuvError) {
                    onConnection(try PipeConnection(adopting: descriptor, on: loop))
                } catch {
                    onTrouble(error)
                }
            }, onTrouble: onTrouble)
    }

    /// Stops listening and removes the socket file; accepted connections live on.
    package func close() {
        self.socket.close()
        _ = unsafe unlink(self.path)
    }
}
