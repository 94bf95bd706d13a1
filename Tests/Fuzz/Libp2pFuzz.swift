import Cryptography
import Identity
import Libp2p
import Wire

/// A negotiation comes to the same end however its bytes are cut.
func fuzzMultistream(_ bytes: [UInt8]) {
    func outcome(pieceByteCount: Int) -> (agreed: String?, hasFailed: Bool, reply: [UInt8]) {
        var listener = MultistreamListener()
        var reply: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            var piece = rest.prefix(pieceByteCount)
            rest = rest.dropFirst(piece.count)
            do {
                if let agreed = try listener.receive(&piece, supported: ["/a/1", "/b/2"], reply: &reply) {
                    return (agreed, false, reply)
                }
            } catch { return (nil, true, reply) }
            precondition(piece.isEmpty)
        }
        return (nil, false, reply)
    }
    let whole = outcome(pieceByteCount: .max)
    let dripping = outcome(pieceByteCount: 1)
    precondition(whole.agreed == dripping.agreed && whole.hasFailed == dripping.hasFailed)
    precondition(whole.reply == dripping.reply)
    var dialer = MultistreamDialer(proposals: ["/a/1", "/b/2"])
    var rest = bytes[...]
    var reply: [UInt8] = []
    _ = try? dialer.receive(&rest, reply: &reply)
}

/// What a peer says about itself is refused or fits into a message of ours.
func fuzzIdentify(_ bytes: [UInt8]) {
    guard let keyPair = try? KeyPair(seed: [UInt8](repeating: 4, count: 32)) else { return }
    var reader = IdentifyReader()
    do {
        try reader.receive(bytes[...])
        let description = try reader.finish(from: keyPair.peerID)
        precondition((description.listenAddresses ?? []).count <= PeerDescription.keptAddressCount)
        precondition(description.encoded().count <= PeerDescription.maximumSentBytes + 2)
    } catch {}
}

/// A yamux session stays within its bounds. The first byte chooses the side, and what the application does meanwhile.
func fuzzYamux(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    var session = YamuxSession(isDialer: first.isMultiple(of: 2), nowMilliseconds: 0)
    var events: [YamuxEvent] = []
    var output: [UInt8] = []
    var rest = bytes.dropFirst()
    var now: UInt64 = 0
    while !rest.isEmpty {
        let piece = rest.prefix(Int(first) + 1)
        rest = rest.dropFirst(piece.count)
        now += 7
        do {
            try session.receive(piece, storageByteCount: piece.count, nowMilliseconds: now, into: &events)
        } catch { return }
        let received = events
        events.removeAll()
        for event in received {
            switch event {
            case .opened(let id):
                session.accept(id)
                _ = session.write([1, 2, 3], to: id)
            case .data(let id, let body): session.consumed(body.count, on: id, nowMilliseconds: now)
            case .finished(let id): session.finish(id)
            default: break
            }
        }
        if first & 2 == 0, let id = try? session.open() { _ = session.write(piece, to: id) }
        output.removeAll(keepingCapacity: true)
        _ = session.appendFrames(to: &output, limit: 1_000, nowMilliseconds: now, into: &events)
        precondition(output.count <= 1_000)
        precondition(session.unconsumedByteCount == 0)
        precondition(session.streamCount <= 2_048)
    }
}

/// A listener takes any bytes before the channel is secure.
func fuzzConnection(_ bytes: [UInt8]) {
    guard var machine = fuzzedListener() else { return }
    var effects: [ConnectionEffect] = []
    var output: [UInt8] = []
    machine.receive(bytes.span.bytes, nowMilliseconds: 0, effects: &effects)
    machine.takeOutput(enoughBytes: .max, into: &output, nowMilliseconds: 0, effects: &effects)
    precondition(!machine.isEstablished)
    machine.tick(nowMilliseconds: 15_000, effects: &effects)
    precondition(machine.isClosed)
}

/// A listener takes any frames from a peer that has proven who it is.
func fuzzFrames(_ bytes: [UInt8]) {
    guard var machine = fuzzedListener(), var channel = authenticatedChannel(to: &machine) else { return }
    var effects: [ConnectionEffect] = []
    var rest = bytes[...]
    var now: UInt64 = 0
    while !rest.isEmpty, !machine.isClosed {
        let piece = rest.prefix(200)
        rest = rest.dropFirst(piece.count)
        now += 50
        var record: [UInt8] = []
        channel.seal(Array(piece), appendingTo: &record)
        machine.receive(record.span.bytes, nowMilliseconds: now, effects: &effects)
        for effect in effects {
            switch effect {
            case .incomingStream(let id, _): _ = machine.write([1, 2, 3], to: id)
            case .data(let id, let body): machine.consumed(body.count, on: id, nowMilliseconds: now)
            case .remoteFinished(let id): machine.finish(id)
            default: break
            }
        }
        effects.removeAll()
        var output: [UInt8] = []
        machine.takeOutput(enoughBytes: .max, into: &output, nowMilliseconds: now, effects: &effects)
    }
}

private func fuzzedListener() -> ConnectionMachine? {
    guard let identity = try? KeyPair(seed: [UInt8](repeating: 1, count: 32)),
        let credentials = try? NoiseCredentials(
            identity: identity, staticPrivateKey: [UInt8](repeating: 2, count: 32))
    else { return nil }
    return try? ConnectionMachine(
        role: .listener, credentials: credentials, supportedProtocols: ["/a/1"],
        randomness: ConnectionRandomness([UInt8](repeating: 3, count: 32)), nowMilliseconds: 0)
}

/// Shakes hands with a listener and returns the dialer's end of the channel.
private func authenticatedChannel(to machine: inout ConnectionMachine) -> NoiseTransport? {
    guard let identity = try? KeyPair(seed: [UInt8](repeating: 5, count: 32)),
        let credentials = try? NoiseCredentials(
            identity: identity, staticPrivateKey: [UInt8](repeating: 6, count: 32)),
        let ephemeralKey = try? KeyAgreementKey(privateKey: [UInt8](repeating: 7, count: 32))
    else { return nil }
    var handshake = NoiseHandshake(role: .dialer(expected: nil), credentials: credentials, ephemeralKey: ephemeralKey)
    var effects: [ConnectionEffect] = []
    var answer: [UInt8] = []
    func framed(_ message: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(UInt16(message.count))
        return bytes + message
    }
    guard let first = try? handshake.start() else { return nil }
    let opening = Multistream.message(Multistream.header) + Multistream.message("/noise") + framed(first)
    machine.receive(opening.span.bytes, nowMilliseconds: 0, effects: &effects)
    machine.takeOutput(enoughBytes: .max, into: &answer, nowMilliseconds: 0, effects: &effects)
    let second = answer.dropFirst(
        Multistream.message(Multistream.header).count + Multistream.message("/noise").count + 2)
    guard let result = try? handshake.receive(second), let third = result.reply, let outcome = result.outcome else {
        return nil
    }
    machine.receive(framed(third).span.bytes, nowMilliseconds: 0, effects: &effects)
    precondition(machine.isEstablished)
    return NoiseTransport(sendingKey: outcome.sendingKey, receivingKey: outcome.receivingKey)
}
