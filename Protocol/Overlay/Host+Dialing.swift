package import Identity
import Libp2p
import Libuv
package import Wire

/// How a host reaches peers.
extension Host {
    /// Who wants a connection.
    package enum DialReason: Sendable {
        /// A person, or work that cannot go on without: addresses that failed lately are tried again.
        case explicit
        /// Upkeep, such as the DHT's: addresses that failed lately are left alone for a while.
        case background
    }

    /// Makes sure that there is an authenticated connection with a peer.
    ///
    /// Several addresses are tried with a short stagger; the first that authenticates as this peer wins. Calls for the
    /// same peer share one attempt.
    ///
    /// - Parameters:
    ///   - peer: whom to reach; anybody else who answers is refused.
    ///   - addresses: where, besides the addresses already known.
    ///   - reason: see ``DialReason``.
    /// - Throws: ``HostError``, with every address and why it failed.
    package func connect(
        to peer: PeerID, addresses: [Multiaddr] = [], reason: DialReason = .explicit
    ) async throws(HostError) {
        guard !self.isShutDown else { throw .shutDown }
        guard peer != self.peerID else { throw .ownPeerID }
        guard !self.isBanned(peer) else { throw .banned(peer) }
        guard self.usableConnection(with: peer) == nil else { return }
        let race: DialRace
        if let running = self.dials[peer] {
            race = running
            if !addresses.isEmpty { race.add(self.ranked(addresses, of: peer)) }
        } else {
            race = try self.beginDial(peer, addresses, reason)
        }
        let failure = await self.loop.suspend { (continuation: LoopContinuation<HostError?>) in
            race.wait(continuation)
        }
        if let failure { throw failure }
    }

    /// Connects to an address that ends in the peer's id, and returns that id.
    @discardableResult package func connect(to address: Multiaddr) async throws(HostError) -> PeerID {
        guard let bytes = address.peerIDBytes, let peer = try? PeerID(bytes: bytes) else {
            throw .addressWithoutPeer(address)
        }
        try await self.connect(to: peer, addresses: [address])
        return peer
    }

    /// The connection to use: the first that takes new streams.
    func usableConnection(with peer: PeerID) -> PeerConnection? {
        self.peers[peer]?.connections.first { !$0.isGoingAway && $0.machine.isEstablished }
    }

    private func beginDial(
        _ peer: PeerID, _ given: [Multiaddr], _ reason: DialReason
    ) throws(HostError) -> DialRace {
        let candidates = self.ranked(given, of: peer)
        guard !candidates.isEmpty else { throw .noAddresses(peer) }
        let limits = self.configuration.limits
        guard self.connections.count < limits.maximumConnections else {
            throw .limitReached("connections", limit: limits.maximumConnections)
        }
        let race = DialRace(peer: peer, host: self, addresses: candidates, ignoresBackOff: reason == .explicit)
        self.dials[peer] = race
        if self.dials.count - self.waitingDials.count > limits.maximumConcurrentDials {
            self.waitingDials.append(race)
        } else {
            // Not at once: who waits must be known before it can end.
            self.loop.perform { race.begin() }
        }
        return race
    }

    /// The addresses to try: those given, then those known; loopback and private ones first, as they answer fastest.
    private func ranked(_ given: [Multiaddr], of peer: PeerID) -> [Multiaddr] {
        var seen: Set<Multiaddr> = []
        let all = (given + (self.book[peer]?.addresses ?? [])).filter { address in
            guard let bytes = address.peerIDBytes else { return true }
            return bytes == peer.bytes
        }.compactMap(\.withoutPeerID).filter { seen.insert($0).inserted }
        let near = all.filter { $0.address?.isPrivate == true }
        let far = all.filter { $0.address?.isPrivate != true }
        return Array((near + far).prefix(self.configuration.limits.maximumDialedAddresses))
    }

    /// The race is over: the next one that waits may begin.
    func ended(_ race: DialRace) {
        if self.dials[race.peer] === race { self.dials[race.peer] = nil }
        self.waitingDials.removeAll { $0 === race }
        guard !self.waitingDials.isEmpty,
            self.dials.count - self.waitingDials.count < self.configuration.limits.maximumConcurrentDials
        else { return }
        self.waitingDials.removeFirst().begin()
    }
}

/// Which addresses failed lately, and until when they are left alone. Bounded: the entry that ends first is forgotten.
struct DialBackOff {
    /// Addresses that are remembered.
    static let maximumEntries = 4_096

    private var entries: [Multiaddr: (failures: Int, untilMilliseconds: UInt64)] = [:]

    /// Milliseconds until an address may be tried again; 0 for now.
    func remaining(_ address: Multiaddr, nowMilliseconds: UInt64) -> UInt64 {
        guard let entry = self.entries[address], entry.untilMilliseconds > nowMilliseconds else { return 0 }
        return entry.untilMilliseconds - nowMilliseconds
    }

    mutating func failed(_ address: Multiaddr, _ timeouts: HostTimeouts, nowMilliseconds: UInt64) {
        let failures = min((self.entries[address]?.failures ?? 0) + 1, 16)
        let wait = min(timeouts.backOffMilliseconds << UInt64(failures - 1), timeouts.maximumBackOffMilliseconds)
        if self.entries.count >= Self.maximumEntries,
            let first = self.entries.min(by: { $0.value.untilMilliseconds < $1.value.untilMilliseconds })
        {
            self.entries[first.key] = nil
        }
        self.entries[address] = (failures, nowMilliseconds + wait)
    }

    mutating func succeeded(_ address: Multiaddr) { self.entries[address] = nil }
}
