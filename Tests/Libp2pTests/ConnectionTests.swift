import Identity
import Libp2p
import TestKit
import Testing

@Suite("A connection") struct ConnectionTests {
    @Test("answers the first request within three flights of the dialer's") func countsFlights() throws {
        let listener = try Node(.listener, seed: 1)
        let dialer = try Node(.dialer(expected: listener.keyPair.peerID), seed: 2)
        let id = try dialer.open("/echo/1")
        #expect(dialer.write([1, 2, 3], to: id) == 3)
        // TCP has taken one round trip. One: header, /noise and the first message, answered by the second.
        listener.receive(dialer.output())
        dialer.receive(listener.output())
        #expect(dialer.isEstablished)
        // Two: the third message, the stream, its protocol and the request.
        listener.receive(dialer.output())
        let incoming = try #require(listener.effects.compactMap(\.incoming).first)
        #expect(incoming.protocolID == "/echo/1")
        #expect(bytes(of: incoming.id, in: listener.effects) == [1, 2, 3])
        #expect(listener.write([4], to: incoming.id) == 1)
        dialer.receive(listener.output())
        #expect(dialer.effects.compactMap(\.outgoing).map(\.id) == [id])
        #expect(bytes(of: id, in: dialer.effects) == [4])
    }

    @Test("tells both sides who the other is") func authenticates() throws {
        let listener = try Node(.listener, seed: 1)
        let dialer = try Node(.dialer(expected: nil), seed: 2)
        #expect(exchange(dialer, listener) >= 3)
        for (node, other) in [(dialer, listener), (listener, dialer)] {
            guard case .established(let peer, let key)? = node.effects.first else {
                Issue.record("not established")
                return
            }
            #expect(peer == other.keyPair.peerID && key == other.keyPair.publicKey && node.peer == peer)
            #expect(node.roundTripMilliseconds == 1)
        }
    }

    @Test("is established when every byte comes alone") func survivesDripping() throws {
        let listener = try Node(.listener, seed: 1)
        let dialer = try Node(.dialer(expected: nil), seed: 2)
        let id = try dialer.open("/echo/1")
        _ = dialer.write([1, 2, 3], to: id)
        for _ in 0..<6 {
            for byte in dialer.output() { listener.receive([byte]) }
            for byte in listener.output() { dialer.receive([byte]) }
        }
        let incoming = try #require(listener.effects.compactMap(\.incoming).first)
        #expect(bytes(of: incoming.id, in: listener.effects) == [1, 2, 3])
    }

    @Test("agrees on the muxer inside the channel when the peer names none", arguments: [true, false])
    func negotiatesMuxer(isDialerSilent: Bool) throws {
        let listener = try Node(.listener, seed: 1, muxers: isDialerSilent ? nil : [])
        let dialer = try Node(.dialer(expected: nil), seed: 2, muxers: isDialerSilent ? [] : nil)
        let id = try dialer.open("/echo/1")
        _ = dialer.write([7], to: id)
        exchange(dialer, listener)
        #expect(dialer.isEstablished && listener.isEstablished)
        let incoming = try #require(listener.effects.compactMap(\.incoming).first)
        #expect(bytes(of: incoming.id, in: listener.effects) == [7])
    }

    @Test("half-closes: the answer comes after the end of the request") func halfCloses() throws {
        let (dialer, listener) = try connectedPair()
        let id = try dialer.open("/echo/1")
        _ = dialer.write([1], to: id)
        dialer.machine.finish(id)
        exchange(dialer, listener)
        let incoming = try #require(listener.effects.compactMap(\.incoming).first)
        #expect(listener.effects.compactMap(\.finished) == [incoming.id])
        #expect(listener.write([2, 3], to: incoming.id) == 2)
        listener.machine.finish(incoming.id)
        exchange(dialer, listener)
        #expect(bytes(of: id, in: dialer.effects) == [2, 3])
        #expect(dialer.effects.compactMap(\.finished) == [id])
        listener.consume(1, on: incoming.id)
        dialer.consume(2, on: id)
        exchange(dialer, listener)
        #expect(dialer.streamCount == 0 && listener.streamCount == 0)
    }

    @Test("agrees on the first of several protocols that the peer serves, and holds back what is written meanwhile")
    func negotiatesSeveral() throws {
        let (dialer, listener) = try connectedPair()
        let id = try dialer.open("/new/2", "/new/1", "/echo/1")
        #expect(dialer.write([1, 2], to: id) == 2)
        dialer.machine.finish(id)
        #expect(dialer.write([3], to: id) == 0)
        exchange(dialer, listener)
        #expect(dialer.effects.compactMap(\.outgoing).map(\.protocolID) == ["/echo/1"])
        let incoming = try #require(listener.effects.compactMap(\.incoming).first)
        #expect(incoming.protocolID == "/echo/1")
        #expect(bytes(of: incoming.id, in: listener.effects) == [1, 2])
        #expect(listener.effects.compactMap(\.finished) == [incoming.id])
    }

    @Test("bounds what it holds back, and wakes the writer after the agreement") func boundsHeld() throws {
        let (dialer, listener) = try connectedPair()
        let id = try dialer.open("/new/1", "/echo/1")
        let limit = YamuxConfiguration().sendBufferBytes
        #expect(dialer.write([UInt8](repeating: 1, count: limit + 1), to: id) == limit)
        #expect(dialer.effects.compactMap(\.writable).isEmpty)
        exchange(dialer, listener)
        #expect(dialer.effects.compactMap(\.writable) == [id])
        let incoming = try #require(listener.effects.compactMap(\.incoming).first)
        let received = bytes(of: incoming.id, in: listener.effects).count
        listener.consume(received, on: incoming.id)
        exchange(dialer, listener)
        #expect(bytes(of: incoming.id, in: listener.effects).count == limit)
    }

    @Test("says which protocols the peer refused", arguments: [["/no/1"], ["/no/1", "/no/2"]])
    func refusesProtocols(protocols: [String]) throws {
        let (dialer, listener) = try connectedPair()
        let id = try dialer.machine.openStream(protocols: protocols, nowMilliseconds: dialer.now)
        _ = dialer.write([1], to: id)
        exchange(dialer, listener)
        #expect(dialer.effects.compactMap(\.ended).map(\.end) == [.negotiationFailed(.notSupported(protocols))])
        #expect(listener.effects.compactMap(\.incoming).isEmpty)
        exchange(dialer, listener)
        #expect(dialer.streamCount == 0 && listener.streamCount == 0)
        #expect(dialer.end == nil && listener.end == nil)
    }

    @Test("serves a protocol from the moment it is told to") func changesProtocols() throws {
        let (dialer, listener) = try connectedPair()
        listener.machine.supportedProtocols = ["/new/1"]
        _ = try dialer.open("/echo/1")
        _ = try dialer.open("/new/1")
        exchange(dialer, listener)
        #expect(listener.effects.compactMap(\.incoming).map(\.protocolID) == ["/new/1"])
    }

    @Test("gives up a stream that agrees to nothing within ten seconds") func timesOutStreams() throws {
        let (dialer, listener) = try connectedPair()
        let id = try dialer.open("/echo/1")
        dialer.sleep(milliseconds: 9_999)
        #expect(dialer.effects.compactMap(\.ended).isEmpty)
        dialer.sleep(milliseconds: 1)
        #expect(dialer.effects.compactMap(\.ended).map(\.id) == [id])
        #expect(dialer.effects.compactMap(\.ended).map(\.end) == [.negotiationTimedOut])
        #expect(listener.streamCount == 0)
    }

    @Test("tells the peer when it closes, and sends nothing after it") func closes() throws {
        let (dialer, listener) = try connectedPair()
        _ = try dialer.open("/echo/1")
        dialer.machine.close(effects: &dialer.effects)
        #expect(dialer.end == .closedLocally)
        #expect(throws: StreamOpenFailure.connectionEnding) { try dialer.open("/echo/1") }
        listener.receive(dialer.output())
        guard case .remoteGoingAway? = listener.effects.first else {
            Issue.record("no farewell")
            return
        }
        #expect(throws: StreamOpenFailure.connectionEnding) { try listener.open("/echo/1") }
        #expect(dialer.output().isEmpty && dialer.nextDeadlineMilliseconds == nil)
        listener.machine.transportEnded(effects: &listener.effects)
        #expect(listener.end == .transportEnded)
    }

    @Test("refuses new streams on request and serves those that are open") func drains() throws {
        let (dialer, listener) = try connectedPair()
        let id = try dialer.open("/echo/1")
        exchange(dialer, listener)
        let incoming = try #require(listener.effects.compactMap(\.incoming).first)
        let crossing = try dialer.open("/echo/1")
        listener.machine.refuseNewStreams()
        exchange(dialer, listener)
        #expect(dialer.effects.compactMap(\.ended).map(\.id) == [crossing])
        #expect(throws: StreamOpenFailure.connectionEnding) { try dialer.open("/echo/1") }
        #expect(throws: StreamOpenFailure.connectionEnding) { try listener.open("/echo/1") }
        #expect(dialer.write([1], to: id) == 1)
        exchange(dialer, listener)
        #expect(bytes(of: incoming.id, in: listener.effects) == [1])
        #expect(dialer.end == nil && listener.end == nil)
    }

    @Test("ends once, for the first reason") func endsOnce() throws {
        let (dialer, _) = try connectedPair()
        dialer.machine.transportEnded(effects: &dialer.effects)
        dialer.machine.close(effects: &dialer.effects)
        dialer.receive([1, 2, 3])
        dialer.sleep(milliseconds: 100_000)
        #expect(dialer.effects.count == 1 && dialer.end == .transportEnded)
    }

    @Test("asks a silent peer after 30 s and ends 10 s later") func endsWhenSilent() throws {
        let (dialer, _) = try connectedPair()
        dialer.sleep(milliseconds: 39_999)
        #expect(dialer.end == nil)
        dialer.sleep(milliseconds: 1)
        #expect(dialer.end == .peerSilent)
    }

    @Test("produces no more output than is asked for, but for one record") func boundsOutput() throws {
        let (dialer, _) = try connectedPair()
        for _ in 0..<4 {
            let id = try dialer.open("/echo/1")
            #expect(dialer.write([UInt8](repeating: 0, count: 200_000), to: id) == 200_000)
        }
        let first = dialer.output(enoughBytes: 100_000)
        #expect(first.count >= 100_000 && first.count < 100_000 + 65_537)
        #expect(dialer.hasOutput && dialer.queuedByteCount > 600_000)
    }
}
