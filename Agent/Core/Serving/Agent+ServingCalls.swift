import Hosting
import Identity
import Libuv
import Mesh

/// The bounds of serving calls (Specs/call.md, section 6).
enum CallServing {
    /// How long a caller may take for its header, in milliseconds.
    static let headerMilliseconds: UInt64 = 10_000
    /// How long input is dropped after the status, in milliseconds.
    static let drainMilliseconds: UInt64 = 10_000
    /// How much input is dropped after the status, in bytes.
    static let drainBytes = 1_048_576
}

/// Calls that peers make to workers here.
extension Agent {
    func serveCall(_ stream: any MeshStream) async {
        let peer = stream.peer
        let input = CallInput(stream)
        let isAdmitted = self.inbound.begin(.call, of: peer)
        defer { if isAdmitted { self.inbound.end(.call, of: peer) } }
        self.counters.served += 1
        do throws(CallRefusal) {
            let header = try await self.header(of: input, stream)
            guard isAdmitted else { throw .answer(.tooManyCalls) }
            let exchange: any CallExchange
            do throws(CallFailure) { exchange = try await self.admit(header) } catch { throw .answer(error) }
            await self.carry(input, stream, exchange)
        } catch {
            self.counters.servedFailed += 1
            switch error {
            case .answer(let failure): await self.finish(stream, input, failure)
            case .reset: stream.reset()
            }
        }
    }

    private func header(of input: CallInput, _ stream: any MeshStream) async throws(CallRefusal) -> CallHeader {
        let watchdog = StreamGuard(stream, on: self.loop, milliseconds: CallServing.headerMilliseconds)
        defer { watchdog.end() }
        do throws(CallFrameError) {
            var header = try await input.header()
            header.caller = stream.peer
            return header
        } catch {
            guard case .malformedHeader = error else { throw .reset }
            throw .answer(.init(.invalidArgument, error.description))
        }
    }

    /// Opens the call at the worker. Whoever may not know of a worker gets the answer for one that is not here, after the
    /// same work (Specs/private-workers.md, section 5).
    private func admit(_ header: CallHeader) async throws(CallFailure) -> any CallExchange {
        let caller = header.caller ?? self.peerID
        let isMember = self.gate.admits(caller, to: header.worker, proof: header.proof)
        guard let entry = self.entry(of: header.worker),
            entry.descriptor.content.visibility == .public || isMember,
            entry.grant.isValid(unixMilliseconds: self.now)
        else { throw .noSuchWorker }
        do throws(CallFailure) {
            return try await self.workerHost.open(header)
        } catch {
            throw error.code == .notFound ? .noSuchWorker : error
        }
    }

    /// Carries messages both ways until the worker has answered.
    private func carry(_ input: CallInput, _ stream: any MeshStream, _ exchange: any CallExchange) async {
        let incoming = Task(executorPreference: self.loop.taskExecutor) { await input.feed(exchange) }
        var failure: CallFailure?
        var isBroken = false
        do throws(CallFailure) {
            while let message = try await exchange.receive() {
                do throws(NetworkError) {
                    try await stream.write(CallFrame.message(message).bytes)
                } catch {
                    isBroken = true
                    exchange.cancel()
                    break
                }
            }
        } catch {
            failure = error
        }
        if failure != nil || isBroken { self.counters.servedFailed += 1 }
        guard !isBroken else {
            stream.reset()
            return await incoming.value
        }
        input.stopFeeding()
        await self.finish(stream, input, failure, incoming)
    }

    /// Sends the status, then drops what the caller still sends, for a while.
    private func finish(
        _ stream: any MeshStream, _ input: CallInput, _ failure: CallFailure?, _ incoming: Task<Void, Never>? = nil
    ) async {
        let watchdog = StreamGuard(stream, on: self.loop, milliseconds: CallServing.drainMilliseconds)
        defer { watchdog.end() }
        do throws(NetworkError) {
            try await stream.write(CallFrame.status(failure).bytes)
            try await stream.finishWriting()
        } catch {
            stream.reset()
        }
        if let incoming { await incoming.value } else { await input.drain() }
    }
}

/// Why a call is not carried to a worker.
private enum CallRefusal: Error {
    /// The caller gets this status.
    case answer(CallFailure)
    /// The caller broke the protocol, or is gone.
    case reset
}

extension CallFailure {
    fileprivate static let tooManyCalls = CallFailure(
        .resourceExhausted, "\(InboundStreams.Kind.call.perPeer) calls of this peer are under way here, the limit",
        mayRetryElsewhere: true, retryAfterMilliseconds: 1_000)
}
