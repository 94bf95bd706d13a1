import Cryptography
import Glibc
import Identity
import Libp2p
import Libuv
import Logging

/// What a host does now and then, and at its end.
extension Host {
    /// Wall time.
    nonisolated var unixMilliseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(0, time.tv_sec)) * 1_000 + UInt64(max(0, time.tv_nsec)) / 1_000_000
    }

    nonisolated func randomBytes(_ count: Int) -> [UInt8] { SecureRandom.bytes(count) }

    func startHousekeeping() {
        let interval = self.configuration.timeouts.housekeepingMilliseconds
        self.housekeeping = try? LoopTimer(on: self.loop)
        self.housekeeping?.start(afterMilliseconds: interval, everyMilliseconds: interval) { [weak self] in
            self?.assumeIsolated { $0.keepHouse() }
        }
    }

    private func keepHouse() {
        let now = self.now
        self.bans = self.bans.filter { $0.value > now }
        self.closeDuplicates(now)
        self.trim(now)
        self.releaseMemory()
    }

    /// Gives freed memory back to the kernel after work, once it is quiet.
    private func releaseMemory() {
        let isQuiet = self.traffic.movedByteCount < self.configuration.limits.quietByteCount
        if isQuiet, self.hasWorked { HeapMemory.release() }
        self.hasWorked = !isQuiet
        self.traffic.movedByteCount = 0
    }

    /// Lets go of connections with one peer beyond the first, once they carry no stream. The side that dialled does it, so
    /// that the two sides never close each other's choice.
    private func closeDuplicates(_ now: UInt64) {
        for peer in self.peers.keys.sorted() {
            for connection in self.peers[peer]?.connections.dropFirst() ?? []
            where !connection.isInbound && connection.streams.isEmpty
                && connection.openedMilliseconds + self.configuration.timeouts.duplicateMilliseconds <= now
            {
                connection.close()
            }
        }
    }

    /// Closes the connections that were idle longest when there are many.
    private func trim(_ now: UInt64) {
        let limits = self.configuration.limits
        guard self.connections.count > limits.trimmingHighWaterCount else { return }
        let candidates = self.connections.values.filter { connection in
            guard let peer = connection.peer, connection.machine.isEstablished else { return false }
            return connection.streams.isEmpty && self.protections[peer] == nil
                && connection.openedMilliseconds + limits.trimmingGraceMilliseconds <= now
        }.sorted { ($0.lastActivityMilliseconds, $0.serial) < ($1.lastActivityMilliseconds, $1.serial) }
        for connection in candidates.prefix(self.connections.count - limits.trimmingLowWaterCount) {
            connection.close()
        }
    }

    /// Ends the host: stops listening, closes every connection, waits for the handlers, saves what is known.
    ///
    /// Streams that are open fail with ``StreamError/connectionClosed(_:)``. Give them time before, if it matters.
    package func shutdown() async {
        guard !self.isShutDown else { return }
        self.isShutDown = true
        for listener in self.listeners { listener.close() }
        self.listeners = []
        self.housekeeping?.close()
        self.pushTimer?.close()
        for peer in self.dials.keys.sorted() { self.dials[peer]?.cancel(.shutDown) }
        for serial in self.connections.keys.sorted() { self.connections[serial]?.close() }
        await self.awaitHandlers()
        if let store = self.store {
            do { try await store.savePeers(self.book.all) } catch {
                self.logger.warning("known peers were not saved", metadata: ["reason": "\(error)"])
            }
        }
        for number in self.subscribers.keys.sorted() { self.subscribers[number]?.finish() }
        self.subscribers = [:]
    }

    /// Waits for the handlers, whose streams have failed; those that go on all the same are left alone after a while.
    private func awaitHandlers() async {
        for number in self.handlerTasks.keys.sorted() { self.handlerTasks[number]?.cancel() }
        guard !self.handlerTasks.isEmpty, let timer = try? LoopTimer(on: self.loop) else { return }
        self.handlersTimer = timer
        await self.loop.suspend { continuation in
            guard !self.handlerTasks.isEmpty else { return continuation.resume() }
            self.handlersWaiter = continuation
            self.handlersTimer?.onLoopStop = { [weak self] in self?.assumeIsolated { $0.resumeHandlersWaiter() } }
            self.handlersTimer?.start(afterMilliseconds: self.configuration.timeouts.shutdownMilliseconds) {
                [weak self] in
                self?.assumeIsolated { $0.resumeHandlersWaiter() }
            }
        }
        self.handlersTimer?.close()
        self.handlersTimer = nil
    }

    func resumeHandlersWaiter() {
        self.handlersWaiter?.resume()
        self.handlersWaiter = nil
    }
}
