import Mesh

/// What a caller sends on the stream of one call: the header, then messages for the worker. For one task at a time.
final class CallInput: Sendable {
    private let stream: any MeshStream
    private let frames: CallFrameQueue
    private let isOver = Flag()

    init(_ stream: any MeshStream) {
        self.stream = stream
        self.frames = CallFrameQueue()
    }

    /// The caller's first frame.
    func header() async throws(CallFrameError) -> CallHeader {
        guard case .header(let header)? = try await self.next() else { throw .cutOff }
        return header
    }

    /// Hands messages to the worker until the caller has sent the last, then drops what else comes.
    func feed(_ exchange: any CallExchange) async {
        do throws(CallFrameError) {
            while let frame = try await self.next() {
                // What a worker that has ended does not take is dropped by it; its status says how it ended.
                switch frame {
                case .message(let message): _ = try? await exchange.send(message)
                case .end: _ = try? await exchange.finishSending()
                case .header, .status: break  // The reader refuses them here.
                }
                if self.isOver.value { return await self.drain() }
            }
        } catch {
            // The caller cancelled, was lost, or broke the protocol: the worker need not go on.
            if !self.isOver.value { exchange.cancel() }
            self.stream.reset()
        }
    }

    /// The worker has ended: what comes from now on is not wanted.
    func stopFeeding() { _ = self.isOver.set() }

    /// Drops what comes, up to a bound.
    func drain() async {
        var dropped = 0
        do throws(NetworkError) {
            while let bytes = try await self.stream.read() {
                dropped += bytes.count
                guard dropped <= CallServing.drainBytes else { return self.stream.reset() }
            }
        } catch {
            self.stream.reset()
        }
    }

    /// The next frame; nil after the last.
    private func next() async throws(CallFrameError) -> CallFrame? {
        while true {
            if let frame = self.frames.pop() { return frame }
            let chunk: [UInt8]?
            do throws(NetworkError) { chunk = try await self.stream.read() } catch { throw .cutOff }
            guard let chunk else {
                try self.frames.finish()
                return nil
            }
            try self.frames.push(chunk)
        }
    }
}
