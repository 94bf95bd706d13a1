internal import ControlAPI
internal import HTTPTypes
internal import HummingbirdCore
internal import Mesh
internal import NIOCore

/// Carries one call between an HTTP exchange and a worker, both ways at once, with back-pressure and in bounded memory.
struct CallRoute: Sendable {
    /// How a failure after the first output is told.
    enum Style: Sendable {
        /// By trailers (Specs/control-api.md, section 5).
        case api
        /// By breaking the connection off, because ordinary HTTP clients ignore trailers.
        case ingress
    }

    /// Bytes that may be given to the connection before it is asked whether it has room.
    static let unseenBytes = 262_144

    let agent: any AgentControl
    let style: Style

    @concurrent func serve(
        _ target: CallTarget, _ request: Request, _ writer: consuming ResponseWriter, on channel: any Channel
    ) async throws {
        let exchange: any CallExchange
        do throws(ControlError) {
            exchange = try await self.agent.call(Self.call(target, request))
        } catch {
            return try await writer.write(.failure(error))
        }
        channel.closeFuture.whenComplete { _ in exchange.cancel() }  // Nobody is left to read the result.
        let length = Self.length(of: request)
        async let upload: Void = Self.upload(request.body, length: length, to: exchange)
        do {
            try await self.download(exchange, writer, on: channel)
        } catch {
            exchange.cancel()
            throw error
        }
        await upload
    }

    private static func call(_ target: CallTarget, _ request: Request) throws(ControlError) -> CallRequest {
        var call = CallRequest(worker: target.worker, method: target.method)
        func field(_ name: String) -> String? { HTTPField.Name(name).flatMap { request.headers[$0] } }
        if let text = field(CallField.deadline) {
            guard let milliseconds = UInt32(text), milliseconds > 0 else {
                throw ControlError(.usage, "the header \(CallField.deadline) is not a number of milliseconds above 0")
            }
            call.deadlineMilliseconds = milliseconds
        }
        call.idempotencyKey = Array((field(CallField.idempotencyKey) ?? "").utf8)
        call.traceParent = field(CallField.traceParent) ?? ""
        guard call.idempotencyKey.count <= CallLimits.idempotencyKeyBytes,
            call.traceParent.utf8.count <= CallLimits.traceParentBytes
        else {
            throw ControlError(
                .usage, "the header \(CallField.idempotencyKey) or \(CallField.traceParent) is too long",
                hint: "at most \(CallLimits.idempotencyKeyBytes) and \(CallLimits.traceParentBytes) bytes")
        }
        return call
    }

    /// How long the body is; nil when it is chunked.
    private static func length(of request: Request) -> Int? {
        if let text = request.headers[.contentLength] { return Int(text) }
        return request.headers[.transferEncoding] == nil ? 0 : nil
    }

    /// Hands the body on (Specs/control-api.md, section 5). A body that breaks off cancels the call: a worker must not
    /// take it for the whole.
    private static func upload(_ body: RequestBody, length: Int?, to exchange: any CallExchange) async {
        var messages = MessageGrouping(length: length)
        do {
            for try await buffer in body {
                for message in messages.add(buffer.readableBytesView) { try await exchange.send(message) }
            }
            guard messages.isComplete else { return exchange.cancel() }
            for message in messages.finish() { try await exchange.send(message) }
            try await exchange.finishSending()
        } catch is CallFailure {
            // The call has ended; `receive` says how. What is left of the body is read and dropped by the connection.
        } catch {
            exchange.cancel()
        }
    }

    /// Writes the output. The head waits for the first message, so that a call that fails at once has a status of its own.
    @concurrent private func download(
        _ exchange: any CallExchange, _ writer: consuming ResponseWriter, on channel: any Channel
    ) async throws {
        var next: [UInt8]?
        do throws(CallFailure) {
            next = try await exchange.receive()
        } catch {
            return try await writer.write(.failure(ControlError(error)))
        }
        var fields = HTTPFields()
        fields[.contentType] = "application/octet-stream"
        fields[.cacheControl] = "no-store"
        fields[.xContentTypeOptions] = "nosniff"
        if self.style == .api { fields[.trailer] = CallField.status }
        var body = try await writer.writeHead(HTTPResponse(status: .ok, headerFields: fields))
        var unseen = 0
        while let message = next {
            if !message.isEmpty { try await body.write(ByteBuffer(bytes: message)) }
            unseen += message.count
            if unseen >= Self.unseenBytes {
                // The writer learns that the socket is full only once the loop has seen what it was given.
                try await channel.eventLoop.submit {}.get()
                unseen = 0
            }
            do throws(CallFailure) {
                next = try await exchange.receive()
            } catch {
                guard self.style == .api else { throw error }
                return try await body.finish(Self.trailers(ControlError(error)))
            }
        }
        var trailers = HTTPFields()
        Self.set(CallField.status, "ok", in: &trailers)
        try await body.finish(self.style == .api ? trailers : nil)
    }

    private static func trailers(_ error: ControlError) -> HTTPFields {
        var trailers = HTTPFields()
        Self.set(CallField.status, error.code.rawValue, in: &trailers)
        Self.set(CallField.message, CallField.escape(error.message), in: &trailers)
        Self.set(CallField.hint, CallField.escape(error.hint), in: &trailers)
        return trailers
    }

    private static func set(_ name: String, _ value: String, in fields: inout HTTPFields) {
        guard let name = HTTPField.Name(name) else { return }
        fields[name] = value
    }
}
