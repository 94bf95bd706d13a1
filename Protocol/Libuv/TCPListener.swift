import CLibuv
import Glibc

/// Accepts TCP connections at an address. Closed by ``close()`` or when dropped. Loop thread only.
package final class TCPListener {
    /// Connections that the kernel holds for us until they are accepted.
    package static let backlog: Int32 = 1_024

    /// Where it listens, with the port that the kernel chose if 0 was asked for.
    package let address: SocketAddress
    private let socket: ListeningSocket
    private let loop: EventLoop

    /// Binds and listens with `SO_REUSEADDR`; accepting begins with ``start(onConnection:onTrouble:)``.
    ///
    /// - Throws: `EADDRINUSE` when another socket listens there, `EACCES` for a privileged port, and so on.
    package convenience init(at address: SocketAddress, on loop: EventLoop) throws(LibuvError) {
        try self.init(at: address, on: loop, acceptNext: ListeningSocket.acceptNext)
    }

    /// For tests of what happens when accepting fails: `acceptNext` takes the listening descriptor and returns a connected
    /// one, or a negative `errno`.
    package init(
        at address: SocketAddress, on loop: EventLoop, acceptNext: @escaping (Int32) -> Int32
    ) throws(LibuvError) {
        let operation = "listen on \(address)"
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let number = dsmp_stream_socket(family)
        guard number >= 0 else { throw LibuvError.last(operation) }
        let descriptor = OwnedDescriptor(adopting: number)
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, size) == 0 else {
            throw LibuvError.last(operation)
        }
        if address.isIPv6 {
            // The same port on 0.0.0.0 stays free for a listener of its own.
            guard unsafe setsockopt(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, size) == 0 else {
                throw LibuvError.last(operation)
            }
        }
        guard unsafe address.withSockaddr({ unsafe bind(number, $0, $1) }) == 0 else {
            throw LibuvError.last(operation)
        }
        guard listen(number, Self.backlog) == 0 else { throw LibuvError.last(operation) }
        let bound = unsafe SocketAddress.query { address, length in
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let status = unsafe getsockname(number, address, &size)
            unsafe length.pointee = Int32(size)
            return status
        }
        guard let bound else { throw LibuvError.last(operation) }
        self.address = bound
        self.loop = loop
        self.socket = try ListeningSocket(adopting: descriptor, on: loop, acceptNext: acceptNext)
    }

    /// Accepts until closed. `onTrouble` hears why accepting is suspended for ``backOffMilliseconds``.
    package func start(
        onConnection: @escaping (TCPConnection) -> Void, onTrouble: @escaping (LibuvError) -> Void
    ) throws(LibuvError) {
        try self.socket.start(
            onAccepted: { [loop] descriptor in
                do throws(LibuvError) {
                    onConnection(try TCPConnection(adopting: descriptor, on: loop))
                } catch {
                    onTrouble(error)
                }
            }, onTrouble: onTrouble)
    }

    /// Takes a waiting connection from a listening descriptor: its descriptor, or a negative `errno` (`accept4`).
    package static func acceptNext(_ listening: Int32) -> Int32 { ListeningSocket.acceptNext(listening) }
    /// Milliseconds without accepting after the process or the system ran out of descriptors or memory.
    package static var backOffMilliseconds: UInt64 { ListeningSocket.backOffMilliseconds }
    /// How often accepting was suspended for want of descriptors.
    package var backOffCount: Int { self.socket.backOffCount }
    /// Leaves new connections in the kernel's backlog.
    package func pause() { self.socket.pause() }
    /// Accepts again after ``pause()``.
    package func resume() throws(LibuvError) { try self.socket.resume() }
    /// Stops listening; accepted connections live on.
    package func close() { self.socket.close() }
}
