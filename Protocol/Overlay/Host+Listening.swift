import Identity
import Libp2p
import Libuv
import Logging
package import Wire

/// Where a host can be reached, and who comes in.
extension Host {
    /// Listens at an address such as `/ip4/0.0.0.0/tcp/4001`; port 0 lets the kernel choose.
    ///
    /// - Returns: where it listens now, with the chosen port.
    /// - Throws: ``HostError/cannotListen(_:)``, for instance because the port is taken.
    @discardableResult package func listen(on address: Multiaddr) throws(HostError) -> Multiaddr {
        guard !self.isShutDown else { throw .shutDown }
        guard let transport = self.configuration.transports.first(where: { $0.handles(address) }) else {
            throw .noTransport(address)
        }
        let listener: any TransportListener
        do throws(LibuvError) {
            listener = try transport.listen(
                on: address, on: self.loop,
                onConnection: { [weak self] raw in self?.assumeIsolated { $0.accept(raw) } },
                onTrouble: { [logger] error in
                    logger.warning("connections are not accepted for a moment", metadata: ["reason": "\(error)"])
                })
        } catch {
            throw .cannotListen(error)
        }
        self.listeners.append(listener)
        self.addressesChanged()
        return listener.address
    }

    /// Where this host listens, without its id; 0.0.0.0 and :: as the addresses of the interfaces.
    package var listenAddresses: [Multiaddr] {
        var addresses: [Multiaddr] = []
        for address in self.listeners.flatMap({ Self.expanded($0.address) }) + self.announcedAddresses
        where !addresses.contains(address) {
            addresses.append(address)
        }
        return addresses
    }

    /// Where this host listens, each address with its id: what to give to others.
    package var addresses: [Multiaddr] {
        let own = self.peerID.component
        return self.listenAddresses.compactMap { try? $0.appending(own) }
    }

    /// Adds addresses at which this host can be reached though it does not listen there itself, such as a router's.
    package func announce(addresses: [Multiaddr]) {
        self.announcedAddresses = addresses.compactMap(\.withoutPeerID)
        self.addressesChanged()
    }

    private static func expanded(_ address: Multiaddr) -> [Multiaddr] {
        guard let endpoint = address.tcpEndpoint, endpoint.address.isUnspecified else { return [address] }
        let wantsIPv6 = if case .v6 = endpoint.address { true } else { false }
        // Loopback last: of use on this machine only.
        let all = NetworkInterfaces.addresses().filter { $0.isIPv6 == wantsIPv6 && $0.scope == 0 }
        return (all.filter { !$0.isLoopback } + all.filter(\.isLoopback)).compactMap { found in
            IPAddress(bytes: found.ipBytes).map { Multiaddr(tcp: SocketEndpoint($0, port: endpoint.port)) }
        }
    }

    private func addressesChanged() {
        self.refreshRecord()
        self.announce(.listening(self.addresses))
        self.schedulePush()
    }

    // MARK: Accepting

    private func accept(_ raw: RawConnection) {
        let limits = self.configuration.limits
        let inbound = self.connections.values.filter(\.isInbound)
        let ip = raw.remoteAddress.address
        let fromThere = inbound.count { $0.remoteAddress.address == ip }
        guard !self.isShutDown, self.connections.count < limits.maximumConnections,
            inbound.count < limits.maximumInboundConnections,
            ip?.isLoopback == true || fromThere < limits.maximumInboundConnectionsPerAddress
        else {
            self.logger.debug("connection refused: a limit is reached", metadata: ["from": "\(raw.remoteAddress)"])
            return raw.stream.close()
        }
        let waiting = inbound.filter { !$0.machine.isEstablished }
        if waiting.count >= limits.maximumUnauthenticatedConnections {
            // Whoever stalls longest goes: somebody who holds many open cannot keep others out for the whole time-out.
            waiting.min { $0.serial < $1.serial }?.close()
        }
        self.open(raw, role: .listener)
    }

    /// Puts a machine on a raw connection and starts it.
    @discardableResult func open(
        _ raw: RawConnection, role: ConnectionRole, onSettled: ((PeerConnection, ConnectionEnd?) -> Void)? = nil
    ) -> PeerConnection? {
        let now = self.now
        var configuration = ConnectionConfiguration()
        configuration.yamux.inboundStreamLimit = self.configuration.limits.maximumInboundStreamsPerConnection
        let machine: ConnectionMachine
        do {
            machine = try ConnectionMachine(
                role: role, credentials: self.credentials, supportedProtocols: Set(self.services.keys),
                randomness: .init(self.randomBytes(ConnectionRandomness.byteCount)), configuration: configuration,
                nowMilliseconds: now)
        } catch {
            self.logger.error("no connection can be secured", metadata: ["reason": "\(error)"])
            raw.stream.close()
            return nil
        }
        let connection = PeerConnection(
            serial: self.nextSerial, raw: raw, machine: machine, isInbound: role == .listener,
            traffic: self.traffic, nowMilliseconds: now)
        self.nextSerial += 1
        self.connections[connection.serial] = connection
        connection.start(
            PeerConnection.Callbacks(
                onEstablished: { [weak self] connection, peer in
                    self?.assumeIsolated { $0.established(connection, peer) }
                    onSettled?(connection, nil)
                },
                onIncomingStream: { [weak self] connection, id, protocolID in
                    self?.assumeIsolated { $0.serve(connection, id, protocolID) }
                },
                onClosed: { [weak self] connection, end in
                    self?.assumeIsolated { $0.closed(connection, end) }
                    onSettled?(connection, end)
                }))
        return connection
    }

    private func established(_ connection: PeerConnection, _ peer: PeerID) {
        guard peer != self.peerID, !self.isBanned(peer), !self.isShutDown else { return connection.close() }
        let known = self.peers[peer]?.connections ?? []
        guard known.count < self.configuration.limits.maximumConnectionsPerPeer else { return connection.close() }
        self.book.connected(
            peer, over: connection.isInbound ? nil : connection.remoteAddress, unixMilliseconds: self.unixMilliseconds)
        self.peers[peer, default: Peer()].insert(connection, isOwnIDSmaller: self.peerID < peer)
        if known.isEmpty { self.announce(.connected(peer)) }
        self.identify(connection, peer)
    }

    private func closed(_ connection: PeerConnection, _ end: ConnectionEnd) {
        self.connections[connection.serial] = nil
        if let peer = connection.peer, var entry = self.peers[peer] {
            entry.remove(connection)
            if entry.connections.isEmpty {
                self.peers[peer] = nil
                for waiter in entry.identifyWaiters { waiter.resume(returning: .failure(.notConnected(peer))) }
                self.announce(.disconnected(peer, end))
            } else {
                self.peers[peer] = entry
            }
        }
    }
}
