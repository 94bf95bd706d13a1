package import Libuv
package import Wire

/// TCP over IPv4 and IPv6, by address or by name.
package struct TCPTransport: Transport {
    /// Queued bytes of one connection at which its streams stop being served, so that memory stays bounded and streams
    /// share the way out.
    static let highWaterMarkByteCount = 512 * 1_024
    /// Queued bytes at which they are served again.
    static let lowWaterMarkByteCount = 128 * 1_024

    package init() {}

    package func handles(_ address: Multiaddr) -> Bool { address.tcpEndpoint != nil || address.tcpName != nil }

    package func dial(
        _ address: Multiaddr, on loop: EventLoop, completion: @escaping (Result<RawConnection, LibuvError>) -> Void
    ) -> any PendingDial {
        let dial = TCPDial(on: loop, completion)
        if let endpoint = address.tcpEndpoint, let socket = SocketAddress(endpoint) {
            dial.begin(candidates: [socket])
        } else if let (name, port) = address.tcpName {
            dial.resolve(name, port: port)
        } else {
            dial.finish(.failure(LibuvError(.invalidArgument, "dial \(address), which is no TCP address")))
        }
        return dial
    }

    package func listen(
        on address: Multiaddr, on loop: EventLoop, onConnection: @escaping (RawConnection) -> Void,
        onTrouble: @escaping (LibuvError) -> Void
    ) throws(LibuvError) -> any TransportListener {
        guard let endpoint = address.tcpEndpoint, let socket = SocketAddress(endpoint) else {
            throw LibuvError(.invalidArgument, "listen on \(address): give an address such as /ip4/0.0.0.0/tcp/4001")
        }
        let listener = try TCPListener(at: socket, on: loop)
        try listener.start(
            onConnection: { connection in
                // A peer that is gone already has no address.
                guard let remote = connection.remoteAddress?.endpoint else { return connection.close() }
                onConnection(RawConnection(stream: connection.tuned, remoteAddress: Multiaddr(tcp: remote)))
            }, onTrouble: onTrouble)
        return TCPTransportListener(listener)
    }
}

private final class TCPTransportListener: TransportListener {
    private let listener: TCPListener
    let address: Multiaddr

    init(_ listener: TCPListener) {
        self.listener = listener
        guard let endpoint = listener.address.endpoint else { preconditionFailure("a listener has an IP address") }
        self.address = Multiaddr(tcp: endpoint)
    }

    func close() { self.listener.close() }
}

/// Connects to one of the addresses that a name stands for, one after the other. Safety: on the loop's thread only.
private final class TCPDial: PendingDial, @unchecked Sendable {
    private let loop: EventLoop
    private var completion: ((Result<RawConnection, LibuvError>) -> Void)?
    private var connection: TCPConnection?
    private var candidates: ArraySlice<SocketAddress> = []

    init(on loop: EventLoop, _ completion: @escaping (Result<RawConnection, LibuvError>) -> Void) {
        self.loop = loop
        self.completion = completion
    }

    func begin(candidates: [SocketAddress]) {
        self.candidates = candidates[...]
        self.connectNext(after: LibuvError(.addressNotAvailable, "find an address of that name"))
    }

    func resolve(_ name: String, port: UInt16) {
        Task(executorPreference: self.loop.taskExecutor) {
            do throws(LibuvError) {
                let found = try await self.loop.resolve(host: name, port: port)
                self.loop.perform { self.begin(candidates: found) }
            } catch {
                self.loop.perform { self.finish(.failure(error)) }
            }
        }
    }

    private func connectNext(after failure: LibuvError) {
        guard self.completion != nil else { return }
        guard let address = self.candidates.popFirst() else { return self.finish(.failure(failure)) }
        do throws(LibuvError) {
            let connection = try TCPConnection(on: self.loop)
            self.connection = connection
            connection.connect(to: address) { error in
                self.connection = nil
                if let error {
                    connection.close()
                    self.connectNext(after: error)
                } else if let endpoint = address.endpoint {
                    self.finish(
                        .success(RawConnection(stream: connection.tuned, remoteAddress: Multiaddr(tcp: endpoint))))
                }
            }
        } catch {
            self.finish(.failure(error))
        }
    }

    /// Never before `dial` has returned.
    func finish(_ result: sending Result<RawConnection, LibuvError>) {
        guard let completion = self.completion else { return }
        self.completion = nil
        completion(result)
    }

    func cancel() {
        self.completion = nil
        self.connection?.close()
        self.connection = nil
    }
}

extension TCPConnection {
    fileprivate var tuned: TCPConnection {
        self.highWaterMarkByteCount = TCPTransport.highWaterMarkByteCount
        self.lowWaterMarkByteCount = TCPTransport.lowWaterMarkByteCount
        return self
    }
}

extension SocketAddress {
    init?(_ endpoint: SocketEndpoint) { self.init(ipBytes: endpoint.address.bytes, port: endpoint.port) }

    var endpoint: SocketEndpoint? {
        IPAddress(bytes: self.ipBytes).map { SocketEndpoint($0.unmapped, port: self.port) }
    }
}
