import Cryptography
import Identity
import Libp2p
import TestKit
import Wire

/// A peer that follows the protocol up to the secure channel and then says whatever a test wants: yamux frames written
/// by hand. Made of the Noise pattern alone, so that a mistake of the handshake is not made on both sides.
final class RawPeer {
    static let prefix = Array("noise-libp2p-static-key:".utf8)

    let node: Node
    let keyPair: KeyPair
    private let staticPrivateKey: [UInt8]
    private var exchange: NoiseXX
    private var transport: NoiseTransport?
    /// Set before ``finishHandshake()`` to send something else than the proper payload.
    var payload: [UInt8]

    /// A peer of `node`: of a listener, which it dials, or of a dialer.
    init(_ node: Node, isDialer: Bool = true, seed: UInt64 = 99, muxers: [String] = ["/yamux/1.0.0"]) throws {
        var random = SplitMix64(seed: seed)
        self.node = node
        self.keyPair = try KeyPair(seed: random.bytes(32))
        self.staticPrivateKey = random.bytes(32)
        self.exchange = NoiseXX(
            isInitiator: isDialer, ephemeralKey: try KeyAgreementKey(privateKey: random.bytes(32)))
        self.payload = []
        self.payload = try self.payload(muxers: muxers)
    }

    private func staticKey() throws -> KeyAgreementKey { try KeyAgreementKey(privateKey: self.staticPrivateKey) }

    func signature(prefix: [UInt8] = RawPeer.prefix) throws -> [UInt8] {
        self.keyPair.sign(prefix + (try self.staticKey().publicKey))
    }

    /// A payload with some fields replaced.
    func payload(key: [UInt8]? = nil, signature: [UInt8]? = nil, muxers: [String] = ["/yamux/1.0.0"]) throws -> [UInt8]
    {
        var bytes: [UInt8] = [0x0a]
        bytes.appendLengthPrefixed(key ?? self.keyPair.publicKey.protobuf)
        bytes.append(0x12)
        bytes.appendLengthPrefixed(try signature ?? self.signature())
        guard !muxers.isEmpty else { return bytes }
        var extensions: [UInt8] = []
        for muxer in muxers {
            extensions.append(0x12)
            extensions.appendLengthPrefixed(muxer)
        }
        bytes.append(0x22)
        bytes.appendLengthPrefixed(extensions)
        return bytes
    }

    private static func framed(_ message: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(UInt16(message.count))
        return bytes + message
    }

    /// The header and `/noise`, and the first message when the peer dials.
    func opening(firstPayload: [UInt8] = []) throws -> [UInt8] {
        Multistream.message(Multistream.header) + Multistream.message("/noise")
            + Self.framed(try self.exchange.writeMessage(payload: firstPayload, staticKey: self.staticKey()))
    }

    /// Dials the node up to its second message and returns the third, ready to be sent.
    func thirdMessage(firstPayload: [UInt8] = []) throws -> [UInt8] {
        self.node.receive(try self.opening(firstPayload: firstPayload))
        var answer = self.node.output()[...]
        answer = answer.dropFirst(20 + 8 + 2)
        _ = try self.exchange.readMessage(answer, staticKey: self.staticKey())
        return Self.framed(try self.exchange.writeMessage(payload: self.payload, staticKey: self.staticKey()))
    }

    /// Completes the handshake, whoever dialled.
    func finishHandshake(firstPayload: [UInt8] = []) throws {
        if self.exchange.isOurTurn {
            self.node.receive(try self.thirdMessage(firstPayload: firstPayload))
        } else {
            let opening = self.node.output()[...].dropFirst(20 + 8 + 2)
            _ = try self.exchange.readMessage(opening, staticKey: self.staticKey())
            let second = try self.exchange.writeMessage(payload: self.payload, staticKey: self.staticKey())
            self.node.receive(
                Multistream.message(Multistream.header) + Multistream.message("/noise") + Self.framed(second))
            guard !self.node.machine.isClosed else { return }
            let output = self.node.output()
            let length = Int(output[0]) << 8 | Int(output[1])
            _ = try self.exchange.readMessage(output[2..<2 + length], staticKey: self.staticKey())
            self.rest = Array(output[(2 + length)...])
        }
        let keys = self.exchange.split()
        self.transport = NoiseTransport(sendingKey: keys.sending, receivingKey: keys.receiving)
    }

    private var rest: [UInt8] = []

    /// The record that would carry some bytes.
    func sealed(_ plaintext: [UInt8]) -> [UInt8] {
        var record: [UInt8] = []
        var left = plaintext[...]
        repeat {
            let piece = left.prefix(NoiseTransport.maximumPlaintextBytes)
            left = left.dropFirst(piece.count)
            self.transport?.seal(Array(piece), appendingTo: &record)
        } while !left.isEmpty
        return record
    }

    /// Sends bytes through the channel.
    func send(_ plaintext: [UInt8]) { self.node.receive(self.sealed(plaintext)) }

    /// Everything that the node has to say now, decrypted.
    func receive() throws -> [UInt8] {
        var plaintext: [UInt8] = []
        let bytes = self.rest + self.node.output()
        self.rest = []
        try self.transport?.open(bytes.span.bytes, appendingTo: &plaintext)
        return plaintext
    }
}

/// One yamux frame.
struct Frame: Equatable {
    var header: YamuxHeader
    var body: [UInt8] = []

    init(_ kind: YamuxHeader.Kind, _ number: UInt32, _ length: UInt32 = 0) { self.init(kind, [], number, length) }

    init(data body: [UInt8], _ number: UInt32) { self.init(data: body, [], number) }

    init(_ kind: YamuxHeader.Kind, _ flags: YamuxHeader.Flags, _ number: UInt32, _ length: UInt32 = 0) {
        self.header = YamuxHeader(kind, flags, number: number, length: length)
    }

    init(data body: [UInt8], _ flags: YamuxHeader.Flags, _ number: UInt32) {
        self.header = YamuxHeader(.data, flags, number: number, length: UInt32(body.count))
        self.body = body
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        self.header.append(to: &bytes)
        return bytes + self.body
    }

    /// Cuts bytes into whole frames, without the code under test.
    static func parse(_ bytes: [UInt8]) throws -> [Frame] {
        var reader = ByteReader(bytes)
        var frames: [Frame] = []
        while !reader.isAtEnd {
            let version = try reader.byte()
            guard version == 0, let kind = YamuxHeader.Kind(rawValue: try reader.byte()) else {
                throw WireError.malformed("not a yamux frame")
            }
            let flags = YamuxHeader.Flags(rawValue: try reader.bigEndian(UInt16.self))
            let number = try reader.bigEndian(UInt32.self)
            let length = try reader.bigEndian(UInt32.self)
            var frame = Frame(kind, flags, number, length)
            if kind == .data { frame.body = Array(try reader.bytes(count: Int(length))) }
            frames.append(frame)
        }
        return frames
    }
}

extension Sequence where Element == Frame {
    var bytes: [UInt8] { self.flatMap(\.bytes) }
}
