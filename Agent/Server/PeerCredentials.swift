internal import Glibc
internal import NIOCore

/// Who is at the other end of a Unix socket, as the kernel says (`SO_PEERCRED`).
enum PeerCredentials {
    /// The kernel's `struct ucred`, which the Glibc module does not declare.
    private struct Credentials: Sendable {
        var processID: Int32
        var userID: UInt32
        var groupID: UInt32
    }

    /// Whether the peer is the agent's own user or root.
    static func areAccepted(on channel: any Channel) -> EventLoopFuture<Bool> {
        guard let options = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeSucceededFuture(false)
        }
        let own = geteuid()
        let credentials: EventLoopFuture<Credentials> = options.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        return credentials.map { $0.userID == own || $0.userID == 0 }.recover { _ in false }
    }
}
