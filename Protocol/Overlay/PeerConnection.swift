import Cryptography
import Identity
import Libp2p
import Libuv
import Wire

/// One connection with a peer: drives a ``ConnectionMachine`` with what the transport brings, and carries its effects out.
///
/// Safety: everything here is used on the loop's thread only, where the host's actor runs as well.
final class PeerConnection: @unchecked Sendable {
    /// Bytes made for the transport at once.
    static let flushByteCount = 256 * 1_024

    /// What the host hears from a connection. All on the loop's thread.
    struct Callbacks {
        var onEstablished: (PeerConnection, PeerID) -> Void
        var onIncomingStream: (PeerConnection, StreamID, String) -> Void
        var onClosed: (PeerConnection, ConnectionEnd) -> Void
    }

    let serial: Int
    let loop: EventLoop
    let remoteAddress: Multiaddr
    let isInbound: Bool
    let openedMilliseconds: UInt64
    private(set) var lastActivityMilliseconds: UInt64
    private(set) var isGoingAway = false
    private(set) var receivedByteCount: UInt64 = 0
    private(set) var sentByteCount: UInt64 = 0

    var machine: ConnectionMachine
    var streams: [StreamID: StreamCore] = [:]
    private let transport: any ByteStream
    private let traffic: HostTraffic
    private var callbacks: Callbacks?
    private var effects: [ConnectionEffect] = []
    private var isDriving = false
    private var isFlushScheduled = false
    private var timer: LoopTimer?
    private var armedMilliseconds = UInt64.max
    private var isTransportClosed = false

    init(
        serial: Int, raw: RawConnection, machine: consuming ConnectionMachine, isInbound: Bool,
        traffic: HostTraffic,
        nowMilliseconds: UInt64
    ) {
        self.serial = serial
        self.loop = raw.stream.loop
        self.transport = raw.stream
        self.remoteAddress = raw.remoteAddress
        self.isInbound = isInbound
        self.openedMilliseconds = nowMilliseconds
        self.lastActivityMilliseconds = nowMilliseconds
        self.traffic = traffic
        self.machine = machine
    }

    var peer: PeerID? { self.machine.peer }

    /// Begins to read and write.
    func start(_ callbacks: Callbacks) {
        self.callbacks = callbacks
        self.timer = try? LoopTimer(on: self.loop)
        self.transport.start(
            onBytes: { [unowned self] bytes in
                self.receivedByteCount &+= UInt64(bytes.byteCount)
                self.traffic.movedByteCount &+= bytes.byteCount
                let now = MonotonicClock.nowMilliseconds
                self.lastActivityMilliseconds = now
                self.machine.receive(bytes, nowMilliseconds: now, effects: &self.effects)
                self.carryOut()
            },
            onEvent: { [unowned self] event in
                switch event {
                case .writable: self.flush()
                case .finished, .failed:
                    self.machine.transportEnded(effects: &self.effects)
                    self.carryOut()
                }
            })
        self.carryOut()
    }

    /// Carries out the effects that the machine appended, those included that doing so appends.
    func carryOut() {
        guard !self.isDriving else { return }
        self.isDriving = true
        var next = 0
        while next < self.effects.count {
            let effect = self.effects[next]
            next += 1
            self.carryOut(effect)
        }
        self.effects.removeAll(keepingCapacity: true)
        self.isDriving = false
        self.scheduleFlush()
        self.armTimer()
    }

    private func carryOut(_ effect: ConnectionEffect) {
        switch effect {
        case .data(let id, let bytes): self.streams[id]?.received(bytes)
        case .writable(let id): self.streams[id]?.becameWritable()
        case .remoteFinished(let id): self.streams[id]?.remoteFinished()
        case .streamEnded(let id, let end):
            self.streams.removeValue(forKey: id)?.fail(.ended(end))
        case .incomingStream(let id, let protocolID): self.callbacks?.onIncomingStream(self, id, protocolID)
        case .outgoingStream(let id, let protocolID): self.streams[id]?.agreed(on: protocolID)
        case .established(let peer, _): self.callbacks?.onEstablished(self, peer)
        case .roundTripMeasured: break
        case .remoteGoingAway: self.isGoingAway = true
        case .closed(let end): self.closed(end)
        }
    }

    /// Ends the connection, telling the peer.
    func close() {
        self.machine.close(effects: &self.effects)
        self.carryOut()
    }

    private func closed(_ end: ConnectionEnd) {
        guard !self.isTransportClosed else { return }
        self.flush()  // The last words, as far as the kernel takes them now.
        self.isTransportClosed = true
        self.transport.close()
        self.timer?.close()
        self.timer = nil
        let streams = self.streams
        self.streams = [:]
        // Each on its own: the order is of no matter.
        for (_, stream) in streams { stream.fail(.connectionClosed(end)) }
        let callbacks = self.callbacks
        self.callbacks = nil
        callbacks?.onClosed(self, end)
    }

    // MARK: Output

    /// Sends what there is after the jobs that are ready now, so that their answers go out together.
    func scheduleFlush() {
        guard !self.isFlushScheduled, !self.isTransportClosed, self.machine.hasOutput else { return }
        self.isFlushScheduled = true
        self.loop.perform {
            self.isFlushScheduled = false
            self.flush()
        }
    }

    /// Sends until nothing is left or the transport has enough.
    private func flush() {
        guard !self.isTransportClosed else { return }
        let now = MonotonicClock.nowMilliseconds
        while self.machine.hasOutput, self.transport.isWritable {
            // The transport keeps the array only when the kernel did not take all of it; then a new one is made here.
            self.traffic.output.removeAll(keepingCapacity: true)
            self.machine.takeOutput(
                enoughBytes: Self.flushByteCount, into: &self.traffic.output, nowMilliseconds: now,
                effects: &self.effects)
            guard !self.traffic.output.isEmpty else { break }
            self.sentByteCount &+= UInt64(self.traffic.output.count)
            self.traffic.movedByteCount &+= self.traffic.output.count
            self.transport.write(self.traffic.output)
            // Writers that wait for room go on before the next round.
            if !self.effects.isEmpty { self.carryOut() }
            if self.isTransportClosed { return }
        }
        if !self.effects.isEmpty { self.carryOut() }
        self.armTimer()
    }

    // MARK: Time

    /// Sets the timer if the machine wants to be called earlier than it is set for. A timer that comes too early costs less
    /// than setting it at every input.
    private func armTimer() {
        guard let deadline = self.machine.nextDeadlineMilliseconds, deadline < self.armedMilliseconds else { return }
        self.armedMilliseconds = deadline
        let now = MonotonicClock.nowMilliseconds
        self.timer?.start(afterMilliseconds: deadline > now ? deadline - now : 0) { [unowned self] in
            self.armedMilliseconds = .max
            self.machine.tick(nowMilliseconds: MonotonicClock.nowMilliseconds, effects: &self.effects)
            self.carryOut()
        }
    }
}

/// What the connections of a host share.
final class HostTraffic {
    /// The buffer in which they make their output, one at a time.
    var output: [UInt8] = []
    /// Bytes sent and received since the last housekeeping.
    var movedByteCount = 0
}
