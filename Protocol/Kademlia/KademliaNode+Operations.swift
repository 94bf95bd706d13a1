import Identity

// Operations: a lookup, then perhaps storing at the closest peers (Specs/kademlia.md, section 6).
extension KademliaNode {
    /// Begins an operation; its number is given out even when it ends at once.
    mutating func begin(
        _ operation: KademliaOperation, purpose: Running.Purpose, at now: Moment, into effects: inout [KademliaEffect]
    ) -> UInt64 {
        let isCrowded = self.operations.count >= KademliaLimits.maximumOperations
        let number = self.operations.insert(Running(operation: operation, purpose: purpose))
        do throws(OperationRefusal) {
            if isCrowded { throw .tooManyOperations }
            try self.prepare(operation, purpose: purpose, number: number, at: now, into: &effects)
        } catch {
            self.finish(number, .refused(error), at: now, into: &effects)
            return number
        }
        if self.table.count == 0, self.isChecking {
            self.waitingOperations.append(number)
        } else {
            self.beginLookup(number, at: now, into: &effects)
        }
        return number
    }

    /// What is done before anybody is asked: the key is checked, and what is published is kept here first.
    private mutating func prepare(
        _ operation: KademliaOperation, purpose: Running.Purpose, number: UInt64, at now: Moment,
        into effects: inout [KademliaEffect]
    ) throws(OperationRefusal) {
        let key = operation.key
        guard (1...operation.maximumKeyByteCount).contains(key.count) else { throw .keyLength(key.count) }
        guard purpose == .caller else { return }
        do {
            switch operation {
            case .putValue(let record):
                try self.admitPublication(.value(key: key))
                try self.keepOwn(record, at: now, into: &effects)
                self.publications.add(.value(key: key), dueAtMilliseconds: .max)
                self.publications.onStart(.value(key: key))
            case .provide:
                try self.admitPublication(.provider(key: key))
                let contact = PeerContact(id: self.own, addresses: self.ownAddresses)
                try self.providers.store(self.server.provider(contact, at: now), forKey: key)
                self.publications.add(.provider(key: key), dueAtMilliseconds: .max)
                self.publications.onStart(.provider(key: key))
            case .getValue:
                if let record = try self.server.freshRecord(forKey: key, at: now, in: self.records) {
                    _ = self.operations.update(number) { $0.best = record }
                    effects.append(.progress(OperationID(number: number), .value(record)))
                }
            case .findProviders:
                let found = try self.server.freshProviders(forKey: key, at: now, in: self.providers)
                self.noteProviders(number, found, into: &effects)
            case .findPeer, .closestPeers: break
            }
        } catch let refusal as OperationRefusal {
            throw refusal
        } catch let refusal as ValueRefusal {
            throw .record(refusal)
        } catch let error as StoreError {
            throw .store(error)
        } catch {
            throw .store(.failed("\(error)"))
        }
    }

    private func admitPublication(_ subject: PublicationSchedule.Subject) throws(OperationRefusal) {
        let isKnown = self.publications.contains(subject)
        guard isKnown || self.publications.count < KademliaLimits.maximumOwnRecords else { throw .tooManyOwnRecords }
    }

    private mutating func keepOwn(_ record: ValueRecord, at now: Moment, into effects: inout [KademliaEffect]) throws {
        var conflicts: [RecordConflict] = []
        defer { effects += conflicts.map(KademliaEffect.conflict) }
        try self.server.store(record, isOwn: true, at: now, in: &self.records, conflicts: &conflicts)
    }

    /// Begins the lookup of an operation from the closest peers of the table.
    mutating func beginLookup(_ number: UInt64, at now: Moment, into effects: inout [KademliaEffect]) {
        guard let running = self.operations[number] else { return }
        if case .findPeer(let peer) = running.operation, peer == self.own {
            let contact = PeerContact(id: self.own, addresses: self.ownAddresses)
            self.finish(number, .peer(contact, isReached: true), at: now, into: &effects)
            return
        }
        let target = KademliaKey(hashing: running.operation.key)
        var seeds = self.table.closest(to: target, count: self.parameters.replication).map(\.contact)
        if seeds.isEmpty {
            seeds = self.table.closest(to: target, count: self.parameters.replication, includesFailing: true)
                .map(\.contact)
        }
        if case .findPeer(let peer) = running.operation,
            let known = self.book.contact(of: peer, atMilliseconds: now.monotonicMilliseconds)
        {
            seeds.append(known)
        }
        let lookup = Lookup(
            target: target, own: self.own, seeds: seeds, parameters: self.parameters,
            confirmsClosest: running.purpose != .refresh)
        let isSatisfied = self.operations.update(number) { running in
            running.lookup = lookup
            return running.isSatisfied
        }
        if isSatisfied == true { _ = self.operations.update(number) { $0.lookup?.stop() } }
        self.pump(number, at: now, into: &effects)
    }

    /// Asks whom there is to ask, and goes on to the next phase when the lookup has ended.
    mutating func pump(_ number: UInt64, at now: Moment, into effects: inout [KademliaEffect]) {
        guard let running = self.operations[number], running.lookup != nil || running.isStoring else { return }
        if running.isStoring {
            self.pumpStores(number, at: now, into: &effects)
            return
        }
        let capacity = max(0, KademliaLimits.maximumQueries - self.queries.count)
        let contacts = self.operations.update(number) {
            $0.lookup?.nextQueries(atMilliseconds: now.monotonicMilliseconds, capacity: capacity) ?? []
        }
        if contacts?.count == capacity { self.isShortOfQueries = true }
        let request = running.operation.lookupRequest
        for contact in contacts ?? [] {
            self.send(request, to: contact, for: .lookup(number), at: now, into: &effects)
        }
        if self.operations[number]?.lookup?.isFinished == true { self.conclude(number, at: now, into: &effects) }
    }

    /// Takes a peer's answer to a query of a lookup.
    mutating func onLookupAnswer(
        _ number: UInt64, _ query: Query, _ answer: KademliaAnswer, at now: Moment, into effects: inout [KademliaEffect]
    ) {
        guard let running = self.operations[number], running.lookup?.isFinished == false else { return }
        let peer = query.contact.id
        if running.operation == .findPeer(peer) {
            self.finish(number, .peer(query.contact, isReached: true), at: now, into: &effects)
            return
        }
        switch running.operation {
        case .getValue: self.noteValue(number, answer.record, from: peer, at: now, into: &effects)
        case .findProviders: self.noteProviders(number, answer.providers, into: &effects)
        case .findPeer, .closestPeers, .putValue, .provide: break
        }
        let closer = answer.closerPeers.prefix(2 * self.parameters.replication).map { contact in
            guard contact.addresses.isEmpty else { return contact }
            return self.server.knownContact(of: contact.id, at: now) ?? contact
        }
        _ = self.operations.update(number) { running in
            running.lookup?.onAnswer(from: peer, closer: closer)
            if running.isSatisfied { running.lookup?.stop() }
        }
        self.pump(number, at: now, into: &effects)
    }

    private mutating func noteValue(
        _ number: UInt64, _ record: ValueRecord?, from peer: PeerID, at now: Moment,
        into effects: inout [KademliaEffect]
    ) {
        guard let record, let running = self.operations[number] else { return }
        guard self.validators.isValid(record, unixMilliseconds: now.unixMilliseconds) else { return }
        if let best = running.best,
            self.validators.compare(key: record.key, record.value, best.value) == .conflicting
        {
            effects.append(.conflict(RecordConflict(key: record.key, first: best.value, second: record.value)))
        }
        let isBetter = running.best.map { self.validators.prefers(record.value, to: $0.value, key: record.key) } ?? true
        _ = self.operations.update(number) {
            $0.returned.append((peer, KademliaKey(hashing: record.value)))
            if isBetter { $0.best = record }
        }
        if isBetter, running.purpose == .caller {
            effects.append(.progress(OperationID(number: number), .value(record)))
        }
    }

    private mutating func noteProviders(
        _ number: UInt64, _ contacts: [PeerContact], into effects: inout [KademliaEffect]
    ) {
        let fresh = self.operations.update(number) { running in
            var fresh: [PeerContact] = []
            for contact in contacts where running.providers.count < KademliaLimits.maximumProvidersPerKey {
                guard running.providerIDs.insert(contact.id).inserted else { continue }
                running.providers.append(contact)
                fresh.append(contact)
            }
            return fresh
        }
        guard let fresh, !fresh.isEmpty else { return }
        effects.append(.progress(OperationID(number: number), .providers(fresh)))
    }

    /// The lookup has ended: report, or store at the closest.
    private mutating func conclude(_ number: UInt64, at now: Moment, into effects: inout [KademliaEffect]) {
        guard let running = self.operations[number], let lookup = running.lookup else { return }
        let result: OperationResult
        switch running.operation {
        case .findPeer(let peer): result = .peer(lookup.contact(of: peer), isReached: false)
        case .closestPeers: result = .closestPeers(lookup.closest)
        case .findProviders: result = .providers(running.providers)
        case .getValue:
            let digest = running.best.map { KademliaKey(hashing: $0.value) }
            result = .value(running.best, holders: running.returned.count { $0.digest == digest })
            self.finish(number, result, at: now, into: &effects)
            self.correct(running, closest: lookup.closest, at: now, into: &effects)
            return
        case .putValue, .provide:
            _ = self.operations.update(number) {
                $0.isStoring = true
                $0.storeQueue = lookup.closest
            }
            self.pumpStores(number, at: now, into: &effects)
            return
        }
        self.finish(number, result, at: now, into: &effects)
    }

    /// Ends an operation and reports it to whoever began it.
    mutating func finish(
        _ number: UInt64, _ result: OperationResult, at now: Moment, into effects: inout [KademliaEffect]
    ) {
        guard let running = self.operations.remove(number) else { return }
        self.waitingOperations.removeAll { $0 == number }
        switch running.purpose {
        case .caller:
            effects.append(.finished(OperationID(number: number), result, running.lookup?.tally ?? Lookup.Tally()))
        case .refresh, .refreshSelf: self.continueRefresh(after: running.purpose, at: now, into: &effects)
        case .republish, .correction: break
        }
        guard running.purpose == .caller || running.purpose == .republish else { return }
        self.noteEnd(of: running.operation, result, at: now)
    }
}

extension KademliaNode.Running {
    init(operation: KademliaOperation, purpose: Purpose) {
        self.operation = operation
        self.purpose = purpose
    }

    /// Whether it has what its caller wanted, so that nobody else need be asked.
    var isSatisfied: Bool {
        switch self.operation {
        case .getValue(_, let quorum): quorum > 0 && self.returned.count >= quorum
        case .findProviders(_, let count): count > 0 && self.providers.count >= count
        case .findPeer, .closestPeers, .putValue, .provide: false
        }
    }
}

extension KademliaOperation {
    /// The key that is searched for.
    var key: [UInt8] {
        switch self {
        case .findPeer(let peer): peer.bytes
        case .closestPeers(let key), .getValue(let key, _), .provide(let key), .findProviders(let key, _): key
        case .putValue(let record): record.key
        }
    }

    var maximumKeyByteCount: Int {
        switch self {
        case .provide, .findProviders: KademliaLimits.maximumProviderKeyByteCount
        case .findPeer, .closestPeers, .getValue, .putValue: KademliaLimits.maximumKeyByteCount
        }
    }

    /// What every peer of the lookup is asked.
    var lookupRequest: KademliaRequest {
        switch self {
        case .findPeer, .closestPeers, .putValue, .provide: .findNode(key: self.key)
        case .getValue(let key, _): .getValue(key: key)
        case .findProviders(let key, _): .getProviders(key: key)
        }
    }
}
