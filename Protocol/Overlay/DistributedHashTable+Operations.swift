package import Identity
package import Kademlia
import Libuv
import Synchronization

/// What the table is for.
extension DistributedHashTable {
    /// Finds out where a peer is.
    ///
    /// - Returns: its addresses: proven when it was spoken to, else what others said.
    package func findPeer(_ peer: PeerID) async throws(DistributedHashTableError) -> PeerContact {
        let end = try await self.perform(.findPeer(peer))
        guard case .peer(let contact?, _) = end.result, !contact.addresses.isEmpty || peer == self.host.peerID else {
            throw .peerNotFound(peer, asked: end.tally.answered)
        }
        return contact
    }

    /// The up to k peers closest to a key that answered, closest first.
    package func closestPeers(to key: [UInt8]) async throws(DistributedHashTableError) -> [PeerContact] {
        guard case .closestPeers(let contacts) = try await self.perform(.closestPeers(key: key)).result else {
            return []
        }
        return contacts
    }

    /// Publishes a value, and again every 22 hours until ``withdrawValue(forKey:)``. It is kept here in any case.
    ///
    /// - Returns: the other peers that took it. None when this node is alone: they get it when there are some.
    @discardableResult package func putValue(
        _ value: [UInt8], forKey key: [UInt8]
    ) async throws(DistributedHashTableError) -> [PeerID] {
        let operation = KademliaOperation.putValue(ValueRecord(key: key, value: value))
        guard case .stored(let peers) = try await self.perform(operation).result else { return [] }
        return peers
    }

    /// No longer publishes a value. Others drop it when it expires.
    package func withdrawValue(forKey key: [UInt8]) { self.apply(.withdrawn(key: key)) }

    /// Reads the best valid value that the peers closest to a key have, and gives it to those of them that lack it.
    ///
    /// - Parameters:
    ///   - key: `/<namespace>/<rest>`.
    ///   - quorum: how many valid answers are enough; 0 asks all of the closest.
    /// - Returns: nil when nobody has one.
    /// - Throws: ``DistributedHashTableError``.
    package func value(
        forKey key: [UInt8], quorum: Int = 0
    ) async throws(DistributedHashTableError) -> [UInt8]? {
        guard case .value(let record?, _) = try await self.perform(.getValue(key: key, quorum: quorum)).result else {
            return nil
        }
        return record.value
    }

    /// The values found under a key, each better than the one before, as they come. Ends with the lookup; dropping it
    /// cancels the lookup.
    package nonisolated func values(forKey key: [UInt8], quorum: Int = 0) -> AsyncStream<[UInt8]> {
        self.stream(.getValue(key: key, quorum: quorum)) { progress, yield in
            if case .value(let record) = progress { yield(record.value) }
        }
    }

    /// Announces that this node provides a key, and again every 22 hours until ``stopProviding(_:)``.
    ///
    /// - Returns: the other peers that were told.
    @discardableResult package func provide(_ key: [UInt8]) async throws(DistributedHashTableError) -> [PeerID] {
        guard case .stored(let peers) = try await self.perform(.provide(key: key)).result else { return [] }
        return peers
    }

    /// No longer announces a key. Others drop the entry when it expires.
    package func stopProviding(_ key: [UInt8]) { self.apply(.stoppedProviding(key: key)) }

    /// Distinct peers that are said to provide a key. Hints, not facts: verify what they give.
    ///
    /// - Parameters:
    ///   - key: what is provided.
    ///   - count: how many are enough; 0 asks all of the closest.
    /// - Returns: in the order they were heard of.
    /// - Throws: ``DistributedHashTableError``.
    package func findProviders(
        of key: [UInt8], count: Int = 0
    ) async throws(DistributedHashTableError) -> [PeerContact] {
        let end = try await self.perform(.findProviders(key: key, count: count))
        guard case .providers(let contacts) = end.result else { return [] }
        return contacts
    }

    /// The same one by one, as they are heard of. Ends with the lookup; dropping it cancels the lookup.
    package nonisolated func providers(of key: [UInt8], count: Int = 0) -> AsyncStream<PeerContact> {
        self.stream(.findProviders(key: key, count: count)) { progress, yield in
            if case .providers(let contacts) = progress { for contact in contacts { yield(contact) } }
        }
    }

    /// Does one operation and says how it went, for those who want the tally (`dsmp net trace`).
    package func trace(
        _ operation: KademliaOperation
    ) async throws(DistributedHashTableError) -> (result: OperationResult, tally: Lookup.Tally) {
        let end = try await self.perform(operation)
        guard let result = end.result else { throw .stopped }
        return (result, end.tally)
    }

    /// Names an operation as soon as it has begun, so that its task can cancel it.
    private final class Ticket: Sendable {
        let id = Mutex<(id: OperationID?, isCancelled: Bool)>((nil, false))
    }

    func perform(
        _ operation: KademliaOperation, onProgress: (@Sendable (OperationProgress) -> Void)? = nil
    ) async throws(DistributedHashTableError) -> OperationEnd {
        guard self.isRunning else { throw .stopped }
        let ticket = Ticket()
        let end = await withTaskCancellationHandler {
            await self.loop.suspend { (continuation: LoopContinuation<OperationEnd>) in
                let (id, effects) = self.node.start(operation, at: self.now)
                self.waiters[id] = continuation
                self.listeners[id] = onProgress
                self.carryOut(effects)
                let isCancelled = ticket.id.withLock { state in
                    state.id = id
                    return state.isCancelled
                }
                if isCancelled { self.cancel(id) }
            }
        } onCancel: {
            let id = ticket.id.withLock { state in
                state.isCancelled = true
                return state.id
            }
            if let id { self.loop.perform { self.assumeIsolated { $0.cancel(id) } } }
        }
        switch end.result {
        case .refused(let refusal): throw .refused(refusal)
        case nil: throw self.isRunning ? .cancelled : .stopped
        default: return end
        }
    }

    private func cancel(_ id: OperationID) {
        guard let waiter = self.waiters.removeValue(forKey: id) else { return }
        self.listeners[id] = nil
        self.apply(.cancelled(id))
        waiter.resume(returning: OperationEnd(result: nil, tally: Lookup.Tally()))
    }

    private nonisolated func stream<Element: Sendable>(
        _ operation: KademliaOperation, _ onProgress: @escaping @Sendable (OperationProgress, (Element) -> Void) -> Void
    ) -> AsyncStream<Element> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Element.self, bufferingPolicy: .bufferingOldest(KademliaLimits.maximumProvidersPerKey))
        let task = Task(executorPreference: self.loop.taskExecutor) {
            _ = try? await self.perform(operation) { onProgress($0) { continuation.yield($0) } }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }
}
