import Hosting
import Identity
import Libuv
import Market
import Mesh
import Storage
import Wire

/// Answering the questions of peers. Each handler has one stream, bounded in time and size; whatever goes wrong resets it.
extension Agent {
    /// Registers the protocols of the agent.
    func serve() async {
        await self.network.handle(MeshProtocol.call) { [weak self] in await self?.serveCall($0) }
        await self.network.handle(MeshProtocol.catalog) { [weak self] stream in
            await self?.answer(.catalog, stream, limit: CatalogQuery.maximumBytes) {
                agent, question throws(QuestionRefusal) in
                try await agent.answerCatalog(question, from: stream.peer)
            }
        }
        await self.network.handle(MeshProtocol.grant) { [weak self] stream in
            await self?.answer(.grant, stream, limit: GrantQuery.maximumBytes) {
                agent, question throws(QuestionRefusal) in
                try agent.answerGrant(question, from: stream.peer)
            }
        }
        await self.network.handle(MeshProtocol.subscribe) { [weak self] stream in
            await self?.answer(.subscribe, stream, limit: SubscribeQuery.maximumBytes) {
                agent, question throws(QuestionRefusal) in
                try await agent.answerSubscribe(question, from: stream.peer)
            }
        }
        await self.network.handle(MeshProtocol.block) { [weak self] in await self?.serveBlock($0) }
    }

    /// Reads one question, writes one answer.
    private func answer(
        _ kind: InboundStreams.Kind, _ stream: any MeshStream, limit: Int,
        _ body: @Sendable (isolated Agent, [UInt8]) async throws(QuestionRefusal) -> [UInt8]
    ) async {
        guard self.inbound.begin(kind, of: stream.peer) else { return stream.reset() }
        let watchdog = StreamGuard(stream, on: self.loop, milliseconds: self.configuration.times.question)
        defer {
            watchdog.end()
            self.inbound.end(kind, of: stream.peer)
        }
        do {
            var reader = MessageReader(stream)
            let answer = try await body(self, try await reader.message(limit: limit))
            try await stream.writeMessage(answer)
            try await stream.finishWriting()
            // Whoever asks finishes too; what else it sends is not wanted.
            guard try await reader.bytes() == nil else { return stream.reset() }
        } catch {
            stream.reset()
        }
    }

    private func answerCatalog(_ question: [UInt8], from peer: PeerID) async throws(QuestionRefusal) -> [UInt8] {
        guard let query = try? CatalogQuery(payload: question) else { throw QuestionRefusal() }
        var hosted = await self.publicEntries()
        if case .membership(let proof) = query.subject {
            hosted = []
            if let worker = self.gate.worker(for: proof, caller: peer), let entry = self.entry(of: worker),
                await self.workerHost.status(worker)?.state == .ready
            {
                hosted = [entry]
            }
        }
        return CatalogAnswer(to: query, hosted: hosted, unixMilliseconds: self.now).payload
    }

    private func answerGrant(_ question: [UInt8], from peer: PeerID) throws(QuestionRefusal) -> [UInt8] {
        guard let query = try? GrantQuery(payload: question) else { throw QuestionRefusal() }
        switch query {
        case .get(let worker):
            guard worker.publisher == self.peerID, let own = self.own[worker.name],
                let grant = own.hostGrants(validAt: self.now).first(where: { $0.peer == peer.description }),
                let bundle = self.bundle(of: own, grant)
            else { return GrantAnswer.notFound.payload }
            return GrantAnswer.bundle(bundle).payload
        case .put(let bundle):
            self.inBackground { await $0.takeBundle(bundle, from: peer) }
            return GrantAnswer.received.payload
        }
    }

    private func answerSubscribe(_ question: [UInt8], from peer: PeerID) async throws(QuestionRefusal) -> [UInt8] {
        let query: SubscribeQuery
        do throws(MarketError) {
            query = try SubscribeQuery(payload: question)
        } catch {
            return SubscribeAnswer.invalid.payload
        }
        let worker = query.record.subscription.worker
        // Both are looked at in every case, so that a private worker does not show in the time.
        let isMember = self.gate.admits(peer, to: worker, proof: query.proof)
        let own = worker.publisher == self.peerID ? self.own[worker.name] : nil
        guard let own, !own.isPrivate || isMember else { return SubscribeAnswer.notFound.payload }
        guard query.record.subscription.consumer == peer else { return SubscribeAnswer.invalid.payload }
        do throws(SubscriptionRefusal) {
            return SubscribeAnswer.accepted(try await self.accept(query.record)).payload
        } catch {
            switch error {
            case .invalid: return SubscribeAnswer.invalid.payload
            case .tooMany: return SubscribeAnswer.tooMany.payload
            }
        }
    }
}

/// A question that is malformed: its stream is reset.
struct QuestionRefusal: Error {}
