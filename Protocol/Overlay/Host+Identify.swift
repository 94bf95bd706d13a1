import Cryptography
package import Identity
package import Libp2p
import Libuv
import Logging
import Wire

/// Who we are and who they are: identify and its push (Specs/libp2p.md, section 6).
extension Host {
    /// What a connected peer says about itself; waits for it if it has not yet.
    ///
    /// - Throws: ``HostError/notConnected(_:)`` or ``HostError/identify(_:)``.
    package func description(of peer: PeerID) async throws(HostError) -> PeerDescription {
        if let known = self.identifyOutcome(of: peer) { return try known.get() }
        let result = await self.loop.suspend {
            (continuation: LoopContinuation<Result<PeerDescription, HostError>>) in
            if let known = self.identifyOutcome(of: peer) {
                continuation.resume(returning: known)
            } else {
                self.peers[peer]?.identifyWaiters.append(continuation)
            }
        }
        return try result.get()
    }

    /// Nil while the answer is on its way.
    private func identifyOutcome(of peer: PeerID) -> Result<PeerDescription, HostError>? {
        guard let entry = self.peers[peer] else { return .failure(.notConnected(peer)) }
        if let description = entry.description { return .success(description) }
        return entry.identifyFailure.map { .failure($0) }
    }

    func registerIdentify() {
        self.handle(PeerDescription.protocolID, maximumStreamsPerPeer: 8) { [weak self] stream in
            guard let self else { return }
            try await stream.write(await self.ownDescription(for: stream.core.connection))
        }
        self.handle(PeerDescription.pushProtocolID, maximumStreamsPerPeer: 4) { [weak self] stream in
            guard let self else { return }
            let description = try await self.readDescription(stream)
            await self.pushed(description, by: stream.peer)
        }
    }

    /// Asks a new peer who it is. The question goes out with the last message of the handshake.
    func identify(_ connection: PeerConnection, _ peer: PeerID) {
        let core: StreamCore
        do throws(HostError) {
            core = try self.openCore(on: connection, [PeerDescription.protocolID])
        } catch {
            return self.identifyFailed(peer, error)
        }
        let stream = PeerStream(core, peer: peer, protocolID: PeerDescription.protocolID)
        stream.finishWriting()
        Task(executorPreference: self.loop.taskExecutor) { [weak self] in
            guard let self else { return }
            do {
                let description = try await self.readDescription(stream)
                await self.identified(peer, description)
            } catch {
                stream.reset()
                await self.identifyFailed(peer, .identify("\(error)"))
            }
        }
    }

    private nonisolated func readDescription(_ stream: PeerStream) async throws -> PeerDescription {
        let limit = self.configuration.timeouts.identifyMilliseconds
        let deadline = Task(executorPreference: self.loop.taskExecutor) { [loop] in
            try await loop.sleep(milliseconds: limit)
            stream.reset()
        }
        defer { deadline.cancel() }
        var reader = IdentifyReader()
        while let bytes = try await stream.read() { try reader.receive(bytes[...]) }
        return try reader.finish(from: stream.peer)
    }

    private func identified(_ peer: PeerID, _ description: PeerDescription) {
        guard self.peers[peer] != nil else { return }
        self.peers[peer]?.description = description
        self.peers[peer]?.identifyFailure = nil
        self.book.replace(
            addresses: description.record?.addresses ?? description.listenAddresses, protocols: description.protocols,
            agentVersion: description.agentVersion, of: peer)
        let waiters = self.peers[peer]?.identifyWaiters ?? []
        self.peers[peer]?.identifyWaiters = []
        for waiter in waiters { waiter.resume(returning: .success(description)) }
        self.announce(.identified(peer, description))
    }

    private func identifyFailed(_ peer: PeerID, _ error: HostError) {
        guard let entry = self.peers[peer], entry.description == nil else { return }
        self.peers[peer]?.identifyFailure = error
        self.peers[peer]?.identifyWaiters = []
        for waiter in entry.identifyWaiters { waiter.resume(returning: .failure(error)) }
        self.logger.debug("a peer was not identified", metadata: ["peer": "\(peer)", "reason": "\(error)"])
    }

    private func pushed(_ push: PeerDescription, by peer: PeerID) {
        // A push before the answer to our question is a part only; the answer will have it all.
        guard var description = self.peers[peer]?.description else { return }
        description.update(with: push)
        self.identified(peer, description)
    }

    // MARK: What we say

    private func ownDescription(for connection: PeerConnection) -> [UInt8] {
        PeerDescription(
            publicKey: self.identity.publicKey, listenAddresses: self.listenAddresses, protocols: self.protocols,
            observedAddress: connection.remoteAddress, protocolVersion: self.configuration.protocolVersion,
            agentVersion: self.configuration.agentVersion
        ).encoded(signedRecord: self.signedRecord.isEmpty ? nil : self.signedRecord)
    }

    /// Signs where we can be reached now. The sequence is the wall time, or one more than the last if that stood still.
    func refreshRecord() {
        self.recordSequence = max(self.recordSequence + 1, self.unixMilliseconds)
        let record = PeerRecord(
            peerID: self.peerID, sequence: self.recordSequence,
            addresses: Array(self.listenAddresses.prefix(PeerRecord.maximumAddressCount)))
        self.signedRecord = record.signed(by: self.identity).bytes
    }

    /// Tells connected peers soon that our protocols or addresses changed.
    func schedulePush() {
        guard !self.isShutDown, !self.peers.isEmpty, self.pushTimer == nil else { return }
        self.pushTimer = try? LoopTimer(on: self.loop)
        self.pushTimer?.start(afterMilliseconds: self.configuration.timeouts.pushDelayMilliseconds) { [weak self] in
            self?.assumeIsolated { $0.push() }
        }
    }

    private func push() {
        self.pushTimer?.close()
        self.pushTimer = nil
        for peer in self.peers.keys.sorted() {
            guard self.peers[peer]?.description?.protocols?.contains(PeerDescription.pushProtocolID) == true,
                let connection = self.usableConnection(with: peer),
                let core = try? self.openCore(on: connection, [PeerDescription.pushProtocolID])
            else { continue }
            let stream = PeerStream(core, peer: peer, protocolID: PeerDescription.pushProtocolID)
            let message = self.ownDescription(for: connection)
            let discard = self.configuration.limits.maximumDiscardedBytes
            Task(executorPreference: self.loop.taskExecutor) {
                try await stream.write(message)
                stream.finishAndDiscard(upTo: discard)
            }
        }
    }
}
