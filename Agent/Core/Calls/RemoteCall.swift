import Identity
import Libuv
import Mesh

/// A call to a worker of another agent, on one stream (Specs/call.md).
///
/// The stream's window is the back-pressure of both directions: nothing is read before the caller asks for it.
actor RemoteCall: CallExchange {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    nonisolated let stream: any MeshStream
    /// Whether the call may be sent again after a loss whose effect is unknown.
    private let isRepeatable: Bool
    private var reader = CallFrameReader(.fromHost)
    /// What was read and not yet taken, the next last.
    private var frames: [CallFrame] = []
    private var hasFinishedSending = false
    private var hasDelivered = false
    private var hasInputBroken = false
    /// Set at the end; nil inside means that the call ended well.
    private var end: Result<Void, CallFailure>?

    private init(_ stream: any MeshStream, on loop: EventLoop, isRepeatable: Bool) {
        self.stream = stream
        self.loop = loop
        self.isRepeatable = isRepeatable
    }

    /// Opens the stream to a host whose grant was checked, and sends the header.
    static func open(
        _ header: CallHeader, at host: PeerID, over network: any MeshNetwork, on loop: EventLoop, isRepeatable: Bool
    ) async throws(CallFailure) -> RemoteCall {
        do throws(NetworkError) {
            let stream = try await network.openStream(to: host, protocolID: MeshProtocol.call)
            do throws(NetworkError) {
                try await stream.write(CallFrame.header(header).bytes)
            } catch {
                stream.reset()
                throw error
            }
            return RemoteCall(stream, on: loop, isRepeatable: isRepeatable)
        } catch {
            throw CallFailure(.unavailable, "\(error)", mayRetryElsewhere: true)
        }
    }

    func send(_ message: [UInt8]) async throws(CallFailure) {
        precondition(!self.hasFinishedSending, "no message follows the last")
        guard message.count <= CallLimits.messageBytes else {
            throw CallFailure(
                .invalidArgument,
                "a message has \(message.count) bytes; send at most \(CallLimits.messageBytes) at once")
        }
        if let end = self.end { return try end.get() }
        guard !self.hasInputBroken else { return }
        do throws(NetworkError) {
            try await self.stream.write(CallFrame.message(message).bytes)
        } catch {
            try self.onBrokenInput(error)
        }
    }

    func finishSending() async throws(CallFailure) {
        precondition(!self.hasFinishedSending, "a call is finished once")
        self.hasFinishedSending = true
        if let end = self.end { return try end.get() }
        guard !self.hasInputBroken else { return }
        do throws(NetworkError) {
            try await self.stream.write(CallFrame.end.bytes)
            try await self.stream.finishWriting()
        } catch {
            try self.onBrokenInput(error)
        }
    }

    func receive() async throws(CallFailure) -> [UInt8]? {
        while true {
            if let end = self.end, self.frames.isEmpty {
                try end.get()
                return nil
            }
            switch self.frames.popLast() {
            case .message(let message):
                self.hasDelivered = true
                return message
            case .status(let failure):
                self.finish(failure.map { .failure($0) } ?? .success(()))
            case .header, .end: preconditionFailure("the reader refuses what a host may not send")
            case nil: await self.readMore()
            }
        }
    }

    nonisolated func cancel() {
        self.loop.perform { self.assumeIsolated { $0.onCancel() } }
    }

    private func onCancel() {
        guard self.end == nil else { return }
        self.end = .failure(.cancelled)
        self.frames = []
        self.stream.reset()
    }

    private func readMore() async {
        do {
            guard let chunk = try await self.stream.read() else {
                try self.reader.finish()
                return self.finish(.failure(self.lost("the host ended the call without a status")))
            }
            self.frames = try self.reader.read(chunk).reversed()
        } catch let error as CallFrameError {
            self.stream.reset()
            self.finish(.failure(self.lost("\(error)")))
        } catch {
            self.finish(.failure(self.lost("\(error)")))
        }
    }

    /// The host's status may explain why it took no more input, and ``receive()`` finds it: until then, input that
    /// nobody takes is dropped.
    private func onBrokenInput(_ error: NetworkError) throws(CallFailure) {
        if let end = self.end { return try end.get() }
        self.hasInputBroken = true
    }

    private func finish(_ end: Result<Void, CallFailure>) {
        guard self.end == nil else { return }
        self.end = end
        // A status before the end of the input: the host wants no more of it (Specs/call.md, section 6).
        if !self.hasFinishedSending || self.hasInputBroken { self.stream.reset() }
    }

    private func lost(_ reason: String) -> CallFailure {
        CallFailure(
            .unavailable, "the host was lost during the call: \(reason)",
            mayRetryElsewhere: self.isRepeatable && !self.hasDelivered)
    }
}

extension CallFailure {
    /// The caller gave up.
    static let cancelled = CallFailure(.cancelled, "the call was cancelled")
}
