import Identity

// Queries: what is asked of one peer, and what its answer or silence means (Specs/kademlia.md, section 6).
extension KademliaNode {
    mutating func send(
        _ request: KademliaRequest, to contact: PeerContact, for purpose: Query.Purpose, at now: Moment,
        into effects: inout [KademliaEffect]
    ) {
        let query = Query(
            contact: contact, request: request, purpose: purpose, sentAtMilliseconds: now.monotonicMilliseconds)
        effects.append(.query(QueryID(number: self.queries.insert(query)), contact, request))
    }

    mutating func onAnswer(
        _ id: QueryID, _ answer: KademliaAnswer, at now: Moment, into effects: inout [KademliaEffect]
    ) {
        guard let query = self.queries[id.number] else { return }
        guard query.request.expectsAnswer, self.isProper(answer, for: query.request) else {
            self.onFailure(id, .brokenAnswer, at: now, into: &effects)
            return
        }
        _ = self.queries.remove(id.number)
        switch query.purpose {
        case .check: self.onCheck(query.contact, answer, at: now)
        case .lookup(let number):
            self.onUseful(query.contact, at: now)
            self.onLookupAnswer(number, query, answer, at: now, into: &effects)
        case .store(let number):
            self.onUseful(query.contact, at: now)
            self.onStored(number, query, isStored: true, at: now, into: &effects)
        }
    }

    /// A request without answer was written: the best that can be known of it.
    mutating func onDelivered(_ id: QueryID, at now: Moment, into effects: inout [KademliaEffect]) {
        guard let query = self.queries[id.number], !query.request.expectsAnswer else { return }
        _ = self.queries.remove(id.number)
        guard case .store(let number) = query.purpose else { return }
        self.onStored(number, query, isStored: true, at: now, into: &effects)
    }

    mutating func onFailure(
        _ id: QueryID, _ failure: QueryFailure, at now: Moment, into effects: inout [KademliaEffect]
    ) {
        guard let query = self.queries.remove(id.number) else { return }
        let peer = query.contact.id
        switch query.purpose {
        case .check: self.onUseless(peer, failure, at: now)
        case .lookup(let number):
            self.onUseless(peer, failure, at: now)
            let isTarget = self.operations[number]?.operation == .findPeer(peer)
            if isTarget, failure == .notServing {
                self.finish(number, .peer(query.contact, isReached: true), at: now, into: &effects)
                return
            }
            _ = self.operations.update(number) { $0.lookup?.onFailure(of: peer) }
            self.pump(number, at: now, into: &effects)
        case .store(let number):
            // A refused record says nothing about whether the peer is alive: it may hold a better one.
            if failure != .refused { self.onUseless(peer, failure, at: now) }
            self.onStored(number, query, isStored: false, at: now, into: &effects)
        }
    }

    mutating func onTick(at now: Moment, into effects: inout [KademliaEffect]) {
        self.expireQueries(at: now, into: &effects)
        let milliseconds = now.monotonicMilliseconds
        if self.nextRefreshAtMilliseconds <= milliseconds { self.beginRefresh(at: now, into: &effects) }
        if self.table.count < self.parameters.minimumTableSize, self.nextSeekAtMilliseconds <= milliseconds {
            self.nextSeekAtMilliseconds = saturatingSum(milliseconds, self.parameters.seekIntervalMilliseconds)
            effects.append(.seekPeers)
        }
        if self.nextCollectionAtMilliseconds <= milliseconds { self.collect(at: now, into: &effects) }
        if let publication = self.nextPublicationAtMilliseconds, publication <= milliseconds {
            self.republish(at: now, into: &effects)
        }
    }

    /// Whether an answer fits its request; a put is only answered by the record that was put.
    private func isProper(_ answer: KademliaAnswer, for request: KademliaRequest) -> Bool {
        guard answer.answers(request) else { return false }
        if case .putValue(let record) = request { return answer.record == record }
        return true
    }

    /// Fails what has been under way for too long, and has nobody wait for what is slow.
    private mutating func expireQueries(at now: Moment, into effects: inout [KademliaEffect]) {
        var slowOperations: [UInt64] = []
        for number in self.queries.numbers {
            guard let query = self.queries[number] else { continue }
            let end = saturatingSum(query.sentAtMilliseconds, self.parameters.queryTimeoutMilliseconds)
            if end <= now.monotonicMilliseconds {
                let id = QueryID(number: number)
                effects.append(.abandon(id))
                self.onFailure(id, .timedOut, at: now, into: &effects)
                continue
            }
            let slowAt = saturatingSum(query.sentAtMilliseconds, self.parameters.slowQueryMilliseconds)
            guard !query.isSlow, slowAt <= now.monotonicMilliseconds else { continue }
            _ = self.queries.update(number) { $0.isSlow = true }
            switch query.purpose {
            case .check: break
            case .lookup(let operation): slowOperations.append(operation)
            case .store(let operation): self.onSlowStore(operation, at: now, into: &effects)
            }
        }
        for number in slowOperations {
            _ = self.operations.update(number) { $0.lookup?.onTime(now.monotonicMilliseconds) }
            self.pump(number, at: now, into: &effects)
        }
    }

    private mutating func collect(at now: Moment, into effects: inout [KademliaEffect]) {
        self.nextCollectionAtMilliseconds = saturatingSum(
            now.monotonicMilliseconds, self.parameters.collectionIntervalMilliseconds)
        self.attempt(into: &effects) { node in
            try node.records.removeExpired(atUnixMilliseconds: now.unixMilliseconds)
            try node.providers.removeExpired(atUnixMilliseconds: now.unixMilliseconds, except: node.own)
        }
    }

    /// Does something with the stores. A failure is reported and does not stop the node.
    mutating func attempt<Result>(
        into effects: inout [KademliaEffect], _ body: (inout Self) throws -> Result
    ) -> Result? {
        do {
            return try body(&self)
        } catch let error as StoreError {
            effects.append(.storeFailed(error))
        } catch {
            effects.append(.storeFailed(.failed("\(error)")))
        }
        return nil
    }
}
