import Identity
import Libuv
import Logging
import Mesh
import Wire

extension Agent {
    /// Asks a peer one question and returns its answer.
    ///
    /// - Throws: ``NetworkError``, also when the answer is over `limit` bytes or does not come in time.
    func ask(
        _ peer: PeerID, _ protocolID: String, _ question: [UInt8], limit: Int
    ) async throws(NetworkError) -> [UInt8] {
        let stream = try await self.network.openStream(to: peer, protocolID: protocolID)
        let watchdog = StreamGuard(stream, on: self.loop, milliseconds: self.configuration.times.question)
        defer { watchdog.end() }
        do throws(NetworkError) {
            try await stream.writeMessage(question)
            try await stream.finishWriting()
            var reader = MessageReader(stream)
            let answer = try await reader.message(limit: limit)
            // Read to the end, so that both sides have finished and nothing has to be reset.
            guard try await reader.bytes() == nil else { throw .malformed("bytes follow the answer") }
            return answer
        } catch {
            stream.reset()
            throw error
        }
    }

    /// Asks a peer's catalog and keeps what verifies; nothing when the peer does not answer.
    ///
    /// `worker` is the private worker whose membership proof is the query; nil for the other queries.
    func askCatalog(_ peer: PeerID, _ query: CatalogQuery, private worker: WorkerName? = nil) async -> [CatalogEntry] {
        do {
            let answer = try await self.ask(
                peer, MeshProtocol.catalog, query.payload, limit: CatalogAnswer.maximumBytes)
            let entries = try CatalogAnswer(
                payload: answer, to: query, from: peer, private: worker, unixMilliseconds: self.now
            ).entries
            for entry in entries { self.known.learn(entry) }
            return entries
        } catch {
            self.logger.debug("a catalog was not had from \(peer): \(error)")
            return []
        }
    }

    /// Asks several peers' catalogs, a few at a time.
    func askCatalogs(_ peers: [PeerID], _ query: CatalogQuery) async -> [CatalogEntry] {
        await withTaskGroup(of: [CatalogEntry].self) { group in
            var waiting = peers[...]
            for peer in waiting.prefix(Self.concurrentQuestions) {
                group.addTask { await self.askCatalog(peer, query) }
            }
            waiting = waiting.dropFirst(Self.concurrentQuestions)
            var entries: [CatalogEntry] = []
            while let found = await group.next() {
                entries += found
                if let peer = waiting.popFirst() { group.addTask { await self.askCatalog(peer, query) } }
            }
            return entries
        }
    }

    /// Questions under way at once for one verb.
    static let concurrentQuestions = 8
}
