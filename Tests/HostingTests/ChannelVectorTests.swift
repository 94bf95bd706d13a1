import TestKit
import Testing
import WorkerChannel

@Suite("The vectors of the worker channel") struct ChannelVectorTests {
    private struct Vectors: Decodable {
        struct Valid: Decodable {
            let name, hex, kind: String
            let call, code, bytes, window, calls, deadline, attempt: UInt32?
            let text, method, payload: String?
            let retry: Bool?
            let token: UInt64?
        }
        struct Invalid: Decodable { let name, hex: String }
        let valid: [Valid]
        let invalid: [Invalid]
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { UInt8(String(decoding: [$0], as: UTF8.self), radix: 16) ?? 0 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static func decode(_ bytes: [UInt8]) throws -> ChannelFrame? {
        var decoder = ChannelFrameDecoder()
        var offset = 0
        let frame = try decoder.next(in: bytes.span.bytes, at: &offset)
        #expect(offset == bytes.count)
        return frame
    }

    private static func frame(_ vector: Vectors.Valid) -> ChannelFrame? {
        let call = vector.call ?? 0
        return switch vector.kind {
        case "hello":
            .hello(
                ChannelHello(windowBytes: vector.window ?? 0, calls: vector.calls ?? 0, name: vector.text ?? ""))
        case "ready": .ready
        case "open":
            .open(
                call: call,
                ChannelOpening(
                    method: vector.method ?? "", deadlineMilliseconds: vector.deadline ?? 0,
                    attempt: vector.attempt ?? 1))
        case "message": .message(call: call, Self.bytes(vector.payload ?? ""))
        case "finish": .finish(call: call)
        case "end":
            .end(
                call: call,
                ChannelEnd(
                    code: UInt16(vector.code ?? 0), text: vector.text ?? "", mayRetryElsewhere: vector.retry ?? false))
        case "cancel": .cancel(call: call, code: UInt16(vector.code ?? 0))
        case "credit": .credit(call: call, byteCount: vector.bytes ?? 0)
        case "ping": .ping(vector.token ?? 0)
        case "pong": .pong(vector.token ?? 0)
        case "stop": .stop
        default: nil
        }
    }

    @Test("are read and written") func valid() throws {
        let vectors = try Repository.vectors("Specs/vectors/worker-channel.json", as: Vectors.self)
        #expect(Set(vectors.valid.map(\.kind)).count == ChannelFrame.Kind.allCases.count)
        for vector in vectors.valid {
            let bytes = Self.bytes(vector.hex)
            let frame = try #require(Self.frame(vector), "\(vector.name)")
            #expect(try Self.decode(bytes) == frame, "\(vector.name)")
            var written: [UInt8] = []
            frame.encode(into: &written)
            #expect(written == bytes, "\(vector.name)")
        }
    }

    @Test("are refused where they must be") func invalid() throws {
        let vectors = try Repository.vectors("Specs/vectors/worker-channel.json", as: Vectors.self)
        #expect(vectors.invalid.count > 10)
        for vector in vectors.invalid {
            #expect(throws: ChannelViolation.self, "\(vector.name)") { _ = try Self.decode(Self.bytes(vector.hex)) }
        }
    }
}
