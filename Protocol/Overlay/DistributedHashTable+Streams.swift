import Identity
import Kademlia
import Libp2p
import Libuv
import Wire

/// The streams of the table: one for each query of ours; those of peers carry many requests.
extension DistributedHashTable {
    /// Asks a peer, in a task of its own, and tells the node what became of it.
    func begin(_ id: QueryID, _ contact: PeerContact, _ request: KademliaRequest) {
        self.queryTasks[id] = Task(executorPreference: self.loop.taskExecutor) { [weak self] in
            guard let self else { return }
            let outcome = await self.ask(contact, request)
            await self.settle(id, outcome)
        }
    }

    private func settle(_ id: QueryID, _ outcome: Result<KademliaAnswer?, QueryFailure>) {
        // An abandoned query is not to be reported.
        guard self.queryTasks.removeValue(forKey: id) != nil, self.isRunning else { return }
        switch outcome {
        case .success(let answer?): self.apply(.answered(id, answer))
        case .success(nil): self.apply(.delivered(id))
        case .failure(let failure): self.apply(.failed(id, failure))
        }
    }

    private nonisolated func ask(
        _ contact: PeerContact, _ request: KademliaRequest
    ) async -> Result<KademliaAnswer?, QueryFailure> {
        let stream: PeerStream
        do throws(HostError) {
            stream = try await self.host.openStream(
                to: contact.id, protocols: [self.protocolID], addresses: contact.addresses, reason: .background)
        } catch {
            if case .negotiation = error { return .failure(.notServing) }
            return .failure(.unreachable)
        }
        do throws(StreamError) {
            try await stream.writeMessage(request.message)
            stream.finishWriting()
            let bytes = try await stream.readMessage(limit: KademliaLimits.maximumMessageByteCount)
            // Without an answer to wait for, the peer ends the stream once it has read the request.
            guard request.expectsAnswer else { return .success(nil) }
            guard let bytes else { return .failure(.refused) }
            guard let answer = try? KademliaAnswer(message: bytes) else { return .failure(.brokenAnswer) }
            return .success(answer)
        } catch {
            stream.reset()
            return .failure(Self.failure(error))
        }
    }

    private nonisolated static func failure(_ error: StreamError) -> QueryFailure {
        switch error {
        case .ended(.negotiationFailed), .ended(.finishedDuringNegotiation): .notServing
        case .ended(.negotiationTimedOut), .cancelled: .timedOut
        case .ended, .closedLocally: .refused
        case .unexpectedEnd, .messageTooLong, .malformedLength: .brokenAnswer
        case .connectionClosed: .unreachable
        }
    }

    // MARK: Answering

    /// Answers the requests of one stream, in order, until the peer finishes or breaks a rule.
    nonisolated func serve(_ stream: PeerStream) async throws {
        let number = await self.opened(stream)
        do {
            while let bytes = try await stream.readMessage(limit: KademliaLimits.maximumMessageByteCount) {
                let request = try KademliaRequest(message: bytes)
                switch await self.respond(to: request, on: number, from: stream) {
                case .answer(let answer): try await stream.writeMessage(answer.message)
                case .silence: break
                case .refuse(let refusal): throw RefusedRequest(refusal: refusal)
                }
            }
            await self.closed(number)
        } catch {
            await self.closed(number)
            throw error
        }
    }

    /// Why a stream is reset; the host logs it.
    private struct RefusedRequest: Error, CustomStringConvertible {
        let refusal: RequestRefusal
        var description: String { self.refusal.description }
    }

    private func respond(to request: KademliaRequest, on number: Int, from stream: PeerStream) -> Reply {
        self.inboundStreams[number]?.usedAtMilliseconds = self.now.monotonicMilliseconds
        guard self.isRunning else { return .refuse(.notServing) }
        let (reply, effects) = self.node.respond(to: request, from: stream.peer, at: self.now)
        if !effects.isEmpty { self.carryOut(effects) }
        return reply
    }

    private func opened(_ stream: PeerStream) -> Int {
        let number = self.nextInboundNumber
        self.nextInboundNumber += 1
        self.inboundStreams[number] = (stream, self.now.monotonicMilliseconds)
        if self.sweeper == nil, self.isRunning {
            self.sweeper = try? LoopTimer(on: self.loop)
            let interval = self.configuration.streamIdleMilliseconds / 4
            self.sweeper?.start(afterMilliseconds: interval, everyMilliseconds: interval) { [weak self] in
                self?.assumeIsolated { $0.resetIdleStreams() }
            }
        }
        return number
    }

    private func closed(_ number: Int) {
        self.inboundStreams[number] = nil
        guard self.inboundStreams.isEmpty else { return }
        self.sweeper?.close()
        self.sweeper = nil
    }

    /// Resets the streams on which no complete request has come for the idle time: drips of bytes do not count.
    private func resetIdleStreams() {
        let now = self.now.monotonicMilliseconds
        for entry in self.inboundStreams.values
        where entry.usedAtMilliseconds + self.configuration.streamIdleMilliseconds <= now {
            entry.stream.reset()
        }
    }
}
