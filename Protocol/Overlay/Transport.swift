package import Libuv
package import Wire

/// A connection of a transport before it is secured.
///
/// Safety: made and used on its loop's thread only.
package struct RawConnection: @unchecked Sendable {
    package let stream: any ByteStream
    /// How the other side is reached, without its peer id.
    package let remoteAddress: Multiaddr

    package init(stream: any ByteStream, remoteAddress: Multiaddr) {
        self.stream = stream
        self.remoteAddress = remoteAddress
    }
}

/// An attempt to connect.
package protocol PendingDial: AnyObject {
    /// Gives up. The completion is not called any more.
    func cancel()
}

/// A place where connections are accepted.
package protocol TransportListener: AnyObject {
    /// Where it listens, with the port that was chosen.
    var address: Multiaddr { get }
    /// Stops accepting. Connections that were accepted live on.
    func close()
}

/// A way to get ordered, reliable streams of bytes to other peers: TCP, or anything else that has multiaddrs.
///
/// All calls and callbacks are on the loop's thread.
package protocol Transport: Sendable {
    /// Whether this transport understands the address. Its peer id, if any, does not matter.
    func handles(_ address: Multiaddr) -> Bool

    /// Connects; the completion runs once, later.
    func dial(
        _ address: Multiaddr, on loop: EventLoop,
        completion: @escaping (Result<RawConnection, LibuvError>) -> Void
    ) -> any PendingDial

    /// Accepts connections at an address. `onTrouble` hears why accepting is suspended.
    func listen(
        on address: Multiaddr, on loop: EventLoop, onConnection: @escaping (RawConnection) -> Void,
        onTrouble: @escaping (LibuvError) -> Void
    ) throws(LibuvError) -> any TransportListener
}
