package import Identity
import Libp2p
import Libuv
import Logging
package import Wire

/// Streams in both directions.
extension Host {
    /// Opens a stream for the first of the protocols that the peer supports, over a connection that is made if need be.
    ///
    /// With one protocol it returns at once, and what is written goes out together with the proposal; should the peer not
    /// support it, reading fails with ``StreamError/ended(_:)``. With several it returns when the peer has agreed to one.
    ///
    /// - Parameters:
    ///   - peer: whom to speak with.
    ///   - protocols: what to speak, the preferred first.
    ///   - addresses: where the peer may be reached, besides what is known.
    ///   - reason: see ``connect(to:addresses:reason:)``.
    /// - Returns: the stream, which is reset when its last reference is dropped before it is over.
    /// - Throws: ``HostError``.
    package func openStream(
        to peer: PeerID, protocols: [String], addresses: [Multiaddr] = [], reason: DialReason = .explicit
    ) async throws(HostError) -> PeerStream {
        precondition(!protocols.isEmpty, "a stream is for a protocol")
        if self.usableConnection(with: peer) == nil {
            try await self.connect(to: peer, addresses: addresses, reason: reason)
        }
        guard let connection = self.usableConnection(with: peer) else { throw .notConnected(peer) }
        let core = try self.openCore(on: connection, protocols)
        if let only = protocols.first, protocols.count == 1 {
            return PeerStream(core, peer: peer, protocolID: only)
        }
        let agreement = await self.loop.suspend { core.awaitAgreement($0) }
        switch agreement {
        case .success(let protocolID): return PeerStream(core, peer: peer, protocolID: protocolID)
        case .failure(let error): throw .negotiation(error)
        }
    }

    func openCore(on connection: PeerConnection, _ protocols: [String]) throws(HostError) -> StreamCore {
        let id: StreamID
        do throws(StreamOpenFailure) {
            id = try connection.machine.openStream(protocols: protocols, nowMilliseconds: self.now)
        } catch {
            throw .stream(error)
        }
        let core = StreamCore(id: id, connection: connection)
        connection.streams[id] = core
        connection.scheduleFlush()
        return core
    }

    // MARK: Handlers

    /// Gives the streams that peers open for a protocol to a handler, from now on.
    ///
    /// - Parameters:
    ///   - protocolID: the protocol; a handler that it has already is replaced.
    ///   - maximumStreamsPerPeer: streams that one peer may have open; one more is reset. Nil for the host's own limit.
    ///   - handler: see ``StreamHandler``. Called in a task of its own for each stream, on the loop.
    package func handle(
        _ protocolID: String, maximumStreamsPerPeer: Int? = nil, handler: @escaping StreamHandler
    ) {
        let limit = maximumStreamsPerPeer ?? self.configuration.limits.maximumStreamsPerProtocolAndPeer
        let counts = self.services[protocolID]?.streamCounts ?? [:]
        self.services[protocolID] = Service(handler: handler, maximumStreamsPerPeer: limit, streamCounts: counts)
        self.servicesChanged()
    }

    /// Refuses new streams for a protocol. Those that are open go on.
    package func stopHandling(_ protocolID: String) {
        guard self.services.removeValue(forKey: protocolID) != nil else { return }
        self.servicesChanged()
    }

    /// The protocols that this host serves, sorted.
    package var protocols: [String] { self.services.keys.sorted() }

    private func servicesChanged() {
        let supported = Set(self.services.keys)
        for connection in self.connections.values { connection.machine.supportedProtocols = supported }
        self.schedulePush()
    }

    /// A peer opened a stream: checks the limits and starts the handler.
    func serve(_ connection: PeerConnection, _ id: StreamID, _ protocolID: String) {
        guard let peer = connection.peer, !self.isShutDown, let service = self.services[protocolID],
            service.streamCounts[peer, default: 0] < service.maximumStreamsPerPeer,
            self.inboundStreamCount < self.configuration.limits.maximumInboundStreams
        else {
            return connection.machine.reset(id)
        }
        let core = StreamCore(id: id, connection: connection)
        connection.streams[id] = core
        self.services[protocolID]?.streamCounts[peer, default: 0] += 1
        self.inboundStreamCount += 1
        core.onEnd = { [weak self] in self?.assumeIsolated { $0.streamEnded(protocolID, peer) } }
        let number = self.nextTask
        self.nextTask += 1
        let stream = PeerStream(core, peer: peer, protocolID: protocolID)
        let discard = self.configuration.limits.maximumDiscardedBytes
        let handler = service.handler
        self.handlerTasks[number] = Task(executorPreference: self.loop.taskExecutor) { [weak self] in
            do {
                try await handler(stream)
                stream.finishAndDiscard(upTo: discard)
            } catch {
                self?.logger.debug(
                    "a stream was given up",
                    metadata: ["peer": "\(peer)", "protocol": "\(protocolID)", "reason": "\(error)"])
                stream.reset()
            }
            await self?.handlerEnded(number)
        }
    }

    private func streamEnded(_ protocolID: String, _ peer: PeerID) {
        self.inboundStreamCount -= 1
        guard let count = self.services[protocolID]?.streamCounts[peer] else { return }
        self.services[protocolID]?.streamCounts[peer] = count > 1 ? count - 1 : nil
    }

    private func handlerEnded(_ number: Int) {
        self.handlerTasks[number] = nil
        if self.handlerTasks.isEmpty { self.resumeHandlersWaiter() }
    }
}

extension PeerStream {
    /// For handlers that have returned.
    func finishAndDiscard(upTo byteCount: Int) {
        let core = self.core
        if core.loop.isCurrent {
            core.finishAndDiscard(upTo: byteCount)
        } else {
            core.loop.perform { core.finishAndDiscard(upTo: byteCount) }
        }
    }
}
