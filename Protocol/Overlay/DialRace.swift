import Identity
import Libp2p
import Libuv
import Wire

/// One attempt to reach a peer: its addresses tried with a stagger until one authenticates.
///
/// Safety: used on the loop's thread only.
final class DialRace: @unchecked Sendable {
    /// One address on its way. Safety: as the race.
    private final class Attempt: @unchecked Sendable {
        let address: Multiaddr
        var pending: (any PendingDial)?
        var connection: PeerConnection?
        var timer: LoopTimer?

        init(_ address: Multiaddr) { self.address = address }

        func end() {
            self.timer?.close()
            self.timer = nil
            self.pending?.cancel()
            self.pending = nil
        }
    }

    let peer: PeerID
    private unowned let host: Host
    private let ignoresBackOff: Bool
    private var queue: ArraySlice<Multiaddr>
    private var seen: Set<Multiaddr>
    private var attempts: [Attempt] = []
    private var failures: [HostError.DialFailure] = []
    private var waiters: [LoopContinuation<HostError?>] = []
    private var outcome: HostError??
    private var stagger: LoopTimer?

    init(peer: PeerID, host: Host, addresses: [Multiaddr], ignoresBackOff: Bool) {
        self.peer = peer
        self.host = host
        self.queue = addresses[...]
        self.seen = Set(addresses)
        self.ignoresBackOff = ignoresBackOff
    }

    func wait(_ continuation: LoopContinuation<HostError?>) {
        if let outcome = self.outcome {
            continuation.resume(returning: outcome)
        } else {
            self.waiters.append(continuation)
        }
    }

    /// Tries more addresses, within the bound, before giving up.
    func add(_ addresses: [Multiaddr]) {
        let room = self.host.configuration.limits.maximumDialedAddresses - self.seen.count
        for address in addresses.filter({ !self.seen.contains($0) }).prefix(max(0, room)) {
            self.seen.insert(address)
            self.queue.append(address)
        }
    }

    func begin() {
        guard self.outcome == nil else { return }
        self.stagger = try? LoopTimer(on: self.host.loop)
        self.tryNext()
    }

    /// Gives up, for instance because the host is shut down.
    func cancel(_ error: HostError) { self.end(error) }

    private func tryNext() {
        guard self.outcome == nil else { return }
        guard let address = self.queue.popFirst() else {
            if self.attempts.isEmpty { self.end(.unreachable(self.peer, self.failures)) }
            return
        }
        let isBegun = self.host.assumeIsolated { host -> Bool in
            let wait = host.backOff.remaining(address, nowMilliseconds: host.now)
            guard self.ignoresBackOff || wait == 0 else {
                self.failures.append(.init(address: address, reason: .backingOff(milliseconds: wait)))
                return false
            }
            guard let transport = host.configuration.transports.first(where: { $0.handles(address) }) else {
                self.failures.append(.init(address: address, reason: .noTransport))
                return false
            }
            self.begin(Attempt(address), transport)
            return true
        }
        guard isBegun else { return self.tryNext() }
        guard !self.queue.isEmpty else { return }
        self.stagger?.start(afterMilliseconds: self.host.configuration.timeouts.dialStaggerMilliseconds) {
            [weak self] in
            self?.tryNext()
        }
    }

    private func begin(_ attempt: Attempt, _ transport: any Transport) {
        self.attempts.append(attempt)
        let timeouts = self.host.configuration.timeouts
        let isNear = attempt.address.address?.isPrivate == true
        let limit = isNear ? timeouts.localDialMilliseconds : timeouts.dialMilliseconds
        attempt.timer = try? LoopTimer(on: self.host.loop)
        attempt.timer?.start(afterMilliseconds: limit) { [weak self] in
            self?.failed(attempt, .timedOut(milliseconds: limit))
        }
        attempt.pending = transport.dial(attempt.address, on: self.host.loop) { [weak self] result in
            guard let self else { return }
            attempt.pending = nil
            switch result {
            case .success(let raw): self.connected(attempt, raw)
            case .failure(let error): self.failed(attempt, .transport(error))
            }
        }
    }

    private func connected(_ attempt: Attempt, _ raw: RawConnection) {
        guard self.outcome == nil else { return raw.stream.close() }
        attempt.connection = self.host.assumeIsolated { host in
            host.open(raw, role: .dialer(expected: self.peer)) { [weak self] connection, end in
                if let end {
                    self?.failed(attempt, .connection(end))
                } else {
                    self?.won(attempt)
                }
            }
        }
        if attempt.connection == nil { self.failed(attempt, .connection(.closedLocally)) }
    }

    private func won(_ attempt: Attempt) {
        guard self.outcome == nil else { return }
        self.host.assumeIsolated { $0.backOff.succeeded(attempt.address) }
        attempt.end()
        self.attempts.removeAll { $0 === attempt }
        self.end(nil)
    }

    private func failed(_ attempt: Attempt, _ reason: HostError.DialFailure.Reason) {
        guard self.outcome == nil, self.attempts.contains(where: { $0 === attempt }) else { return }
        self.attempts.removeAll { $0 === attempt }
        attempt.end()
        attempt.connection?.close()
        self.failures.append(.init(address: attempt.address, reason: reason))
        self.host.assumeIsolated { host in
            host.backOff.failed(attempt.address, host.configuration.timeouts, nowMilliseconds: host.now)
        }
        self.stagger?.stop()
        self.tryNext()
    }

    private func end(_ error: HostError?) {
        guard self.outcome == nil else { return }
        self.outcome = .some(error)
        self.stagger?.close()
        self.stagger = nil
        let losers = self.attempts
        self.attempts = []
        for attempt in losers {
            attempt.end()
            attempt.connection?.close()
        }
        let waiters = self.waiters
        self.waiters = []
        for waiter in waiters { waiter.resume(returning: error) }
        self.host.assumeIsolated { $0.ended(self) }
    }
}
