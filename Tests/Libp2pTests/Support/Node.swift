import Cryptography
import Identity
import Libp2p
import TestKit

/// One side of a connection under test, with what its shell would keep.
final class Node {
    static let supported: Set<String> = ["/echo/1", "/ipfs/ping/1.0.0", "/ipfs/id/1.0.0"]

    let keyPair: KeyPair
    var machine: ConnectionMachine
    var now: UInt64
    var effects: [ConnectionEffect] = []

    init(
        _ role: ConnectionRole, seed: UInt64, supported: Set<String> = Node.supported, muxers: [String]? = nil,
        configuration: ConnectionConfiguration = ConnectionConfiguration(), now: UInt64 = 1000
    ) throws {
        var random = SplitMix64(seed: seed)
        self.keyPair = try KeyPair(seed: random.bytes(32))
        let credentials = try NoiseCredentials(
            identity: self.keyPair, staticPrivateKey: random.bytes(32), muxers: muxers ?? NoiseCredentials.muxers)
        self.now = now
        self.machine = try ConnectionMachine(
            role: role, credentials: credentials, supportedProtocols: supported,
            randomness: ConnectionRandomness(random.bytes(32)), configuration: configuration, nowMilliseconds: now)
    }

    func receive(_ bytes: [UInt8]) {
        self.machine.receive(bytes.span.bytes, nowMilliseconds: self.now, effects: &self.effects)
    }

    func output(enoughBytes: Int = .max) -> [UInt8] {
        var output: [UInt8] = []
        self.machine.takeOutput(
            enoughBytes: enoughBytes, into: &output, nowMilliseconds: self.now, effects: &self.effects)
        return output
    }

    /// Lets time pass, in the steps that the machine asks for.
    func sleep(milliseconds: UInt64) {
        let end = self.now + milliseconds
        while let deadline = self.machine.nextDeadlineMilliseconds, deadline <= end, !self.machine.isClosed {
            // A deadline that does not move once it has passed would spin here, as it would in a shell.
            self.now = max(self.now + 1, deadline)
            self.machine.tick(nowMilliseconds: self.now, effects: &self.effects)
            _ = self.output()
        }
        self.now = max(self.now, end)
    }

    func open(_ protocols: String...) throws -> StreamID {
        try self.machine.openStream(protocols: protocols, nowMilliseconds: self.now)
    }

    func write(_ bytes: [UInt8], to id: StreamID) -> Int { self.machine.write(bytes[...], to: id) }

    func consume(_ count: Int, on id: StreamID) { self.machine.consumed(count, on: id, nowMilliseconds: self.now) }

    /// The effects since the last call.
    func takeEffects() -> [ConnectionEffect] {
        defer { self.effects.removeAll() }
        return self.effects
    }

    // `#expect` takes a value apart and cannot hold one that is not copyable.
    var isEstablished: Bool { self.machine.isEstablished }
    var isClosed: Bool { self.machine.isClosed }
    var streamCount: Int { self.machine.streamCount }
    var peer: PeerID? { self.machine.peer }
    var queuedByteCount: Int { self.machine.queuedByteCount }
    var unconsumedByteCount: Int { self.machine.unconsumedByteCount }
    var roundTripMilliseconds: UInt64? { self.machine.roundTripMilliseconds }
    var nextDeadlineMilliseconds: UInt64? { self.machine.nextDeadlineMilliseconds }
    var hasOutput: Bool { self.machine.hasOutput }

    /// Why the connection ended, if it did.
    var end: ConnectionEnd? {
        for case .closed(let end) in self.effects { return end }
        return nil
    }
}

/// Carries everything between two nodes until both are silent, and counts the flights.
@discardableResult func exchange(_ left: Node, _ right: Node) -> Int {
    var flights = 0
    while true {
        let sent = left.output()
        if !sent.isEmpty { right.receive(sent) }
        let answer = right.output()
        if !answer.isEmpty { left.receive(answer) }
        if sent.isEmpty && answer.isEmpty { return flights }
        flights += (sent.isEmpty ? 0 : 1) + (answer.isEmpty ? 0 : 1)
    }
}

/// A dialer and a listener that are connected.
func connectedPair(
    seed: UInt64 = 1, configuration: ConnectionConfiguration = ConnectionConfiguration(),
    supported: Set<String> = Node.supported
) throws -> (dialer: Node, listener: Node) {
    let listener = try Node(.listener, seed: seed &* 2, supported: supported, configuration: configuration)
    let dialer = try Node(
        .dialer(expected: listener.keyPair.peerID), seed: seed &* 2 &+ 1, supported: supported,
        configuration: configuration)
    exchange(dialer, listener)
    dialer.effects.removeAll()
    listener.effects.removeAll()
    return (dialer, listener)
}

extension ConnectionEffect {
    var data: (id: StreamID, bytes: [UInt8])? {
        if case .data(let id, let bytes) = self { (id, Array(bytes)) } else { nil }
    }
    var incoming: (id: StreamID, protocolID: String)? {
        if case .incomingStream(let id, let protocolID) = self { (id, protocolID) } else { nil }
    }
    var outgoing: (id: StreamID, protocolID: String)? {
        if case .outgoingStream(let id, let protocolID) = self { (id, protocolID) } else { nil }
    }
    var ended: (id: StreamID, end: StreamEnd)? {
        if case .streamEnded(let id, let end) = self { (id, end) } else { nil }
    }
    var finished: StreamID? {
        if case .remoteFinished(let id) = self { id } else { nil }
    }
    var writable: StreamID? {
        if case .writable(let id) = self { id } else { nil }
    }
}

/// All bytes that effects carry for one stream.
func bytes(of id: StreamID, in effects: [ConnectionEffect]) -> [UInt8] {
    effects.compactMap(\.data).filter { $0.id == id }.flatMap(\.bytes)
}
