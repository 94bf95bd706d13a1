import Identity

// Storing at the closest peers, and publishing again (Specs/kademlia.md, sections 5 and 6).
extension KademliaNode {
    /// Sends the record or announcement to the peers that are to take it, and ends when all are settled or slow.
    mutating func pumpStores(_ number: UInt64, at now: Moment, into effects: inout [KademliaEffect]) {
        guard let running = self.operations[number] else { return }
        guard let request = self.storeRequest(of: running) else {
            self.finish(number, .stored(by: []), at: now, into: &effects)
            return
        }
        let capacity = max(0, KademliaLimits.maximumQueries - self.queries.count)
        let targets = running.storeQueue.prefix(capacity)
        if targets.count < running.storeQueue.count { self.isShortOfQueries = true }
        _ = self.operations.update(number) {
            $0.storeQueue.removeFirst(targets.count)
            $0.pendingStoreCount += targets.count
        }
        for contact in targets { self.send(request, to: contact, for: .store(number), at: now, into: &effects) }
        self.finishStoringIfDone(number, at: now, into: &effects)
    }

    mutating func onStored(
        _ number: UInt64, _ query: Query, isStored: Bool, at now: Moment, into effects: inout [KademliaEffect]
    ) {
        _ = self.operations.update(number) {
            if isStored { $0.storedBy.append(query.contact.id) }
            if !query.isSlow { $0.pendingStoreCount -= 1 }
        }
        self.finishStoringIfDone(number, at: now, into: &effects)
    }

    /// Nobody waits any longer for a peer that is slow to store.
    mutating func onSlowStore(_ number: UInt64, at now: Moment, into effects: inout [KademliaEffect]) {
        _ = self.operations.update(number) { $0.pendingStoreCount -= 1 }
        self.finishStoringIfDone(number, at: now, into: &effects)
    }

    /// After a read: gives the best record to those of the closest peers that lacked it.
    mutating func correct(
        _ reading: Running, closest: [PeerContact], at now: Moment, into effects: inout [KademliaEffect]
    ) {
        guard let best = reading.best, reading.purpose == .caller else { return }
        let digest = KademliaKey(hashing: best.value)
        let lacking = closest.filter { contact in
            !reading.returned.contains { $0.id == contact.id && $0.digest == digest }
        }
        guard !lacking.isEmpty, self.operations.count < KademliaLimits.maximumOperations else { return }
        var correction = Running(operation: .putValue(best), purpose: .correction)
        correction.isStoring = true
        correction.storeQueue = lacking
        self.pumpStores(self.operations.insert(correction), at: now, into: &effects)
    }

    /// When something that this node publishes is due; nil while nobody could take it.
    var nextPublicationAtMilliseconds: UInt64? {
        guard self.table.count > 0, self.publications.underWayCount < KademliaLimits.maximumConcurrentRepublications,
            !self.operations.values.contains(where: { $0.purpose == .refreshSelf })
        else { return nil }
        return self.publications.nextDeadline(tableCount: self.table.count, parameters: self.parameters)
    }

    /// Begins to publish again what is due.
    mutating func republish(at now: Moment, into effects: inout [KademliaEffect]) {
        let room = KademliaLimits.maximumConcurrentRepublications - self.publications.underWayCount
        let due = self.publications.due(
            atMilliseconds: now.monotonicMilliseconds, tableCount: self.table.count, parameters: self.parameters,
            count: room)
        for subject in due {
            guard let operation = self.operation(for: subject, at: now, into: &effects) else {
                self.publications.remove(subject)
                continue
            }
            self.publications.onStart(subject)
            _ = self.begin(operation, purpose: .republish, at: now, into: &effects)
        }
    }

    /// Stops publishing a value.
    mutating func withdraw(_ key: [UInt8], into effects: inout [KademliaEffect]) {
        self.publications.remove(.value(key: key))
        self.attempt(into: &effects) { node in
            guard let held = try node.records.value(forKey: key), held.isOwn else { return }
            try node.records.removeValue(forKey: key)
        }
    }

    /// Stops announcing a key.
    mutating func stopProviding(_ key: [UInt8], into effects: inout [KademliaEffect]) {
        self.publications.remove(.provider(key: key))
        self.attempt(into: &effects) { try $0.providers.removeProvider($0.own, forKey: key) }
    }

    /// Notes how many peers took what this node publishes.
    mutating func noteEnd(of operation: KademliaOperation, _ result: OperationResult, at now: Moment) {
        guard case .stored(let peers) = result else { return }
        let subject: PublicationSchedule.Subject
        switch operation {
        case .putValue(let record): subject = .value(key: record.key)
        case .provide(let key): subject = .provider(key: key)
        case .findPeer, .closestPeers, .getValue, .findProviders: return
        }
        self.publications.onEnd(
            subject, reachedCount: peers.count, tableCount: self.table.count,
            atMilliseconds: now.monotonicMilliseconds,
            intervalMilliseconds: self.parameters.republishIntervalMilliseconds)
    }

    private mutating func finishStoringIfDone(
        _ number: UInt64, at now: Moment, into effects: inout [KademliaEffect]
    ) {
        guard let running = self.operations[number], running.isStoring, running.storeQueue.isEmpty else { return }
        guard running.pendingStoreCount <= 0 else { return }
        self.finish(number, .stored(by: running.storedBy), at: now, into: &effects)
    }

    private func storeRequest(of running: Running) -> KademliaRequest? {
        switch running.operation {
        case .putValue(let record): .putValue(record)
        case .provide(let key):
            // Without an address the announcement would be refused.
            self.ownAddresses.isEmpty
                ? nil
                : .addProvider(key: key, providers: [PeerContact(id: self.own, addresses: self.ownAddresses)])
        case .findPeer, .closestPeers, .getValue, .findProviders: nil
        }
    }

    /// What publishes a subject again; nil when it is not held any more, or no longer valid.
    private mutating func operation(
        for subject: PublicationSchedule.Subject, at now: Moment, into effects: inout [KademliaEffect]
    ) -> KademliaOperation? {
        switch subject {
        case .provider(let key): return .provide(key: key)
        case .value(let key):
            let record = self.attempt(into: &effects) { node -> ValueRecord? in
                guard let held = try node.records.value(forKey: key), held.isOwn else { return nil }
                var conflicts: [RecordConflict] = []
                // Storing it again renews its life here, as publishing does elsewhere.
                try node.server.store(
                    held.record, isOwn: true, at: now, in: &node.records, conflicts: &conflicts)
                return held.record
            }
            return record.flatMap { $0 }.map { .putValue($0) }
        }
    }
}
