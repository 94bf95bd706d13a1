package import ControlAPI
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Where the input of a call comes from.
package protocol CallInput: Sendable {
    /// How many bytes there are; nil when that is not known beforehand.
    var byteCount: Int? { get }
    /// The next piece; nil after the last. Never called again before it has returned.
    func next() async throws(ControlError) -> [UInt8]?
}

extension ControlClient {
    /// Calls a worker: sends the input while the output arrives, each as fast as the other side takes it.
    ///
    /// - Parameters:
    ///   - request: the worker, the method and how the call may be repeated.
    ///   - input: sent while the output arrives.
    ///   - sent: told the total of input bytes handed over so far, after each piece.
    ///   - output: takes the next piece of the result; the worker waits while it does.
    /// - Throws: how the call failed; the output given before is then not the whole result.
    package func call(
        _ request: CallRequest, input: some CallInput, sent: @escaping @Sendable (Int) -> Void = { _ in },
        output: ([UInt8]) async throws(ControlError) -> Void
    ) async throws(ControlError) {
        let connection = try await self.connect()
        let head = try Self.head(request, byteCount: input.byteCount)
        let failure = InputFailure()
        do {
            try await connection.executeThenClose { inbound, outbound in
                // Not awaited: a read from a terminal cannot be interrupted, and need not be once the result is there.
                let upload = Task {
                    do {
                        try await Self.upload(head, input, sent, to: outbound, of: connection.channel)
                    } catch let error as ControlError {
                        failure.set(error)
                        connection.channel.close(promise: nil)
                    } catch {
                        // The agent stopped reading: its reply says why.
                    }
                }
                defer { upload.cancel() }
                try await Self.download(inbound, output)
            }
        } catch {
            throw failure.value ?? self.translated(error)
        }
    }

    private static func head(_ request: CallRequest, byteCount: Int?) throws(ControlError) -> HTTPRequestHead {
        var worker = request.worker[...]
        if worker.hasPrefix("dsmp://") { worker = worker.dropFirst("dsmp://".count) }
        let path = ControlPath.callPrefix + worker + "/" + request.method
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x3f && $0 != 0x23 }) else {
            throw ControlError(.usage, "`\(request.worker)` or `\(request.method)` has a character no name has")
        }
        var headers = HTTPHeaders([("host", "dsmp"), ("connection", "close"), ("te", "trailers")])
        if let byteCount {
            headers.add(name: "content-length", value: String(byteCount))
        } else {
            headers.add(name: "transfer-encoding", value: "chunked")
        }
        if request.deadlineMilliseconds > 0 {
            headers.add(name: CallField.deadline, value: String(request.deadlineMilliseconds))
        }
        if !request.idempotencyKey.isEmpty {
            headers.add(name: CallField.idempotencyKey, value: String(decoding: request.idempotencyKey, as: UTF8.self))
        }
        if !request.traceParent.isEmpty { headers.add(name: CallField.traceParent, value: request.traceParent) }
        return HTTPRequestHead(version: .http1_1, method: .POST, uri: path, headers: headers)
    }

    private static func upload(
        _ head: HTTPRequestHead, _ input: some CallInput, _ sent: @Sendable (Int) -> Void,
        to outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>, of channel: any Channel
    ) async throws {
        try await outbound.write(.head(head))
        var total = 0
        while let piece = try await input.next() {
            try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: piece))))
            // The writer learns that the socket is full only once the loop has seen what it was given.
            try await channel.eventLoop.submit {}.get()
            total += piece.count
            sent(total)
        }
        if let promised = input.byteCount, promised != total {
            throw ControlError(
                .invalid, "the input changed while it was read: \(total) bytes instead of \(promised)",
                hint: "call again when nothing writes to it")
        }
        try await outbound.write(.end(nil))
    }

    private static func download(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>,
        _ output: ([UInt8]) async throws(ControlError) -> Void
    ) async throws {
        var status: HTTPResponseStatus?
        var refusal = Data()
        for try await part in inbound {
            switch part {
            case .head(let head): status = head.status
            case .body(let buffer):
                if status == .ok {
                    try await output(Array(buffer.readableBytesView))
                } else if refusal.count < Self.replyBytes {
                    refusal.append(contentsOf: buffer.readableBytesView)
                }
            case .end(let trailers):
                guard status == .ok else { throw Self.failure(status, refusal) }
                return try Self.check(trailers)
            }
        }
        throw Self.incomplete
    }

    /// The trailer says whether the result is whole.
    private static func check(_ trailers: HTTPHeaders?) throws(ControlError) {
        guard let status = trailers?.first(name: CallField.status) else { throw Self.incomplete }
        guard status != "ok" else { return }
        func text(_ name: String) -> String { CallField.unescape(trailers?.first(name: name) ?? "") }
        throw ControlError(
            ControlErrorCode(rawValue: status) ?? .internal, text(CallField.message), hint: text(CallField.hint))
    }

    private static var incomplete: ControlError {
        ControlError(
            .unreachable, "the agent went away before the result was complete", hint: "call again; see `dsmp status`")
    }
}

/// Why the input could not be read, kept for whoever waits for the output.
private final class InputFailure: Sendable {
    private let failure = Mutex<ControlError?>(nil)

    var value: ControlError? { self.failure.withLock { $0 } }

    func set(_ failure: ControlError) { self.failure.withLock { $0 = failure } }
}
