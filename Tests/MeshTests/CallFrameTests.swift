import Identity
import Mesh
import TestKit
import Testing
import Wire

@Suite("The frames of a call") struct CallFrameTests {
    struct Vectors: Decodable {
        struct Header: Decodable {
            let bytes, method, idempotencyKey, traceParent: String
            let deadline, attempt: UInt32
        }
        struct Message: Decodable { let bytes, payload: String }
        struct Status: Decodable {
            let bytes, message: String
            let code, retryAfter: UInt32
            let notStarted: Bool
        }
        struct Unknown: Decodable { let bytes: String }
        struct Refused: Decodable { let why, direction, bytes: String }
        let worker: String
        let header: Header
        let message: Message
        let emptyMessage, end, ok, noSuchWorker: String
        let failed: Status
        let unknownCode: Unknown
        let refused: [Refused]
    }

    let vectors: Vectors
    let header: CallHeader

    init() throws {
        self.vectors = try Repository.vectors("Specs/vectors/call.json", as: Vectors.self)
        let vector = self.vectors.header
        self.header = CallHeader(
            worker: try WorkerName(self.vectors.worker), method: vector.method,
            deadlineMilliseconds: vector.deadline, attempt: vector.attempt,
            idempotencyKey: try bytes(vector.idempotencyKey), traceParent: vector.traceParent)
    }

    private func read(_ text: String, _ direction: CallFrameReader.Direction) throws -> [CallFrame] {
        var reader = CallFrameReader(direction)
        return try reader.read(bytes(text))
    }

    @Test("are written and read as specified") func vectorsHold() throws {
        let vectors = self.vectors
        #expect(CallFrame.header(self.header).bytes.hexadecimal == vectors.header.bytes)
        #expect(try self.read(vectors.header.bytes, .fromCaller) == [.header(self.header)])
        let payload = try bytes(vectors.message.payload)
        #expect(CallFrame.message(payload).bytes.hexadecimal == vectors.message.bytes)
        #expect(try self.read(vectors.message.bytes, .fromHost) == [.message(payload)])
        #expect(CallFrame.message([]).bytes.hexadecimal == vectors.emptyMessage)
        #expect(try self.read(vectors.emptyMessage, .fromHost) == [.message([])])
        #expect(CallFrame.end.bytes.hexadecimal == vectors.end)
        #expect(CallFrame.status(nil).bytes.hexadecimal == vectors.ok)
        #expect(try self.read(vectors.ok, .fromHost) == [.status(nil)])
        #expect(CallFrame.status(.noSuchWorker).bytes.hexadecimal == vectors.noSuchWorker)
        #expect(try self.read(vectors.noSuchWorker, .fromHost) == [.status(.noSuchWorker)])
        let failed = CallFailure(
            .failed, vectors.failed.message, mayRetryElsewhere: vectors.failed.notStarted,
            retryAfterMilliseconds: vectors.failed.retryAfter)
        #expect(CallFrame.status(failed).bytes.hexadecimal == vectors.failed.bytes)
        #expect(try self.read(vectors.failed.bytes, .fromHost) == [.status(failed)])
        guard case .status(let unknown?) = try self.read(vectors.unknownCode.bytes, .fromHost).first else {
            Issue.record("a status with an unknown code is a failure")
            return
        }
        #expect(unknown.code == .internal)
    }

    @Test("that must be refused are refused, in one piece and byte by byte") func refused() throws {
        for vector in self.vectors.refused {
            let direction: CallFrameReader.Direction = vector.direction == "caller" ? .fromCaller : .fromHost
            let input = try bytes(vector.bytes)
            #expect(throws: CallFrameError.self, "\(vector.why)") {
                var reader = CallFrameReader(direction)
                _ = try reader.read(input)
            }
            #expect(throws: CallFrameError.self, "\(vector.why)") {
                var reader = CallFrameReader(direction)
                for byte in input { _ = try reader.read([byte]) }
            }
        }
    }

    @Test("are the same however the stream cuts them", arguments: 0..<UInt64(20)) func fragments(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var frames: [CallFrame] = [.header(self.header)]
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            frames.append(.message(random.bytes(Int.random(in: 0...3_000, using: &random))))
        }
        frames.append(.end)
        var rest = frames.flatMap(\.bytes)[...]
        var reader = CallFrameReader(.fromCaller)
        var read: [CallFrame] = []
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...1_000, using: &random))
            read += try reader.read(Array(piece))
            rest = rest.dropFirst(piece.count)
        }
        #expect(read == frames, "replay with seed \(seed)")
        try reader.finish()
    }

    @Test("hold a message of exactly 1 MiB") func largestMessage() throws {
        let message = [UInt8](repeating: 7, count: CallLimits.messageBytes)
        var reader = CallFrameReader(.fromHost)
        #expect(try reader.read(CallFrame.message(message).bytes) == [.message(message)])
        #expect(CallFrame.message(message).bytes.count <= message.count + CallFrame.prefixBytes)
    }

    @Test("must be complete: a call that was cut off does not look finished") func cutOff() throws {
        let whole = CallFrame.message([1, 2, 3]).bytes + CallFrame.status(nil).bytes
        for length in 0..<whole.count {
            var reader = CallFrameReader(.fromHost)
            _ = try reader.read(Array(whole[..<length]))
            #expect(throws: CallFrameError.cutOff) { try reader.finish() }
        }
        var reader = CallFrameReader(.fromHost)
        _ = try reader.read(whole)
        try reader.finish()
        #expect(reader.isFinished)
    }

    @Test("never trap on noise", arguments: 0..<UInt64(50)) func noise(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for direction in [CallFrameReader.Direction.fromCaller, .fromHost] {
            var reader = CallFrameReader(direction)
            for _ in 0..<20 {
                var piece = random.bytes(50)
                piece[0] %= 5
                do { _ = try reader.read(piece) } catch { break }
            }
        }
    }

    @Test("carry a failure's text without what a terminal obeys, cut to its bound") func statusText() throws {
        let long = CallFailure(.failed, "\u{1b}[31m" + String(repeating: "é", count: 1_000))
        guard case .status(let read?) = try self.read(CallFrame.status(long).bytes.hexadecimal, .fromHost).first
        else {
            Issue.record("a failure is read as a failure")
            return
        }
        #expect(read.message.utf8.count <= CallLimits.failureMessageBytes + 2)
        #expect(read.message.hasPrefix("\u{FFFD}[31mé"))
    }

    @Test("state a deadline of at most a day and an attempt of at least one") func clampsHeader() throws {
        var header = self.header
        header.deadlineMilliseconds = .max
        header.attempt = 0
        guard case .header(let read) = try self.read(CallFrame.header(header).bytes.hexadecimal, .fromCaller).first
        else {
            Issue.record("a header is read as a header")
            return
        }
        #expect(read.deadlineMilliseconds == CallLimits.deadlineMilliseconds && read.attempt == 1)
        #expect(read.caller == nil)
    }
}
