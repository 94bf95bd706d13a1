package import Identity
package import Wire

/// A whole node of the table: asks, answers, keeps its table fresh and its records published (Specs/kademlia.md).
///
/// Input in, effects out; no I/O, clock or randomness of its own. Carry out the effects in order and call again with
/// ``KademliaInput/tick`` not later than ``nextDeadline``.
package struct KademliaNode: Sendable {
    /// What an operation is doing.
    struct Running: Sendable {
        /// Why it was started.
        enum Purpose: Hashable, Sendable {
            case caller, refreshSelf, refresh, republish, correction
        }

        let operation: KademliaOperation
        let purpose: Purpose
        /// Nil as long as it waits for a first peer in the table.
        var lookup: Lookup?
        /// The phase after the lookup: who is to take the record, and how many are under way.
        var isStoring = false
        var storeQueue: [PeerContact] = []
        var pendingStoreCount = 0
        var storedBy: [PeerID] = []
        /// Reading: the best record so far, and the digest of what each peer returned.
        var best: ValueRecord?
        var returned: [(id: PeerID, digest: KademliaKey)] = []
        var providers: [PeerContact] = []
        var providerIDs: Set<PeerID> = []  // Only for membership, never iterated.
    }

    struct Query: Sendable {
        enum Purpose: Hashable, Sendable { case check, lookup(UInt64), store(UInt64) }
        let contact: PeerContact
        let request: KademliaRequest
        let purpose: Purpose
        let sentAtMilliseconds: UInt64
        var isSlow = false
    }

    /// This node.
    package let own: PeerID
    /// Whether it answers others.
    package let mode: KademliaMode
    package let parameters: KademliaParameters
    /// The rules for values.
    package let validators: ValidatorRegistry
    /// Peers that answered.
    package internal(set) var table: RoutingTable
    /// The addresses that it announces.
    package internal(set) var ownAddresses: [Multiaddr] = []

    var book: ContactBook
    var records: any RecordStore
    var providers: any ProviderStore
    var operations = SerialTable<Running>()
    var queries = SerialTable<Query>()
    /// Operations that wait for a first peer.
    var waitingOperations: [UInt64] = []
    /// Candidates for the table that wait for their check.
    var candidates: [PeerContact] = []
    /// Whether an operation could not ask because too many queries were under way.
    var isShortOfQueries = false
    var lastAnswerAtMilliseconds: UInt64?
    var publications = PublicationSchedule()
    var refreshKeys: [[UInt8]] = []
    var nextRefreshAtMilliseconds: UInt64
    var nextSeekAtMilliseconds: UInt64
    var nextCollectionAtMilliseconds: UInt64
    var refreshRandom: RefreshKeySource

    /// A node with an empty table. What its stores hold as its own is published again at once.
    ///
    /// The keys of refreshes are drawn from the seed, 32 random bytes. Throws what the stores throw when they are read.
    package init(
        own: PeerID, mode: KademliaMode = .server, parameters: KademliaParameters = KademliaParameters(),
        validators: ValidatorRegistry, records: any RecordStore = MemoryRecordStore(),
        providers: any ProviderStore = MemoryProviderStore(), seed: [UInt8], at now: Moment
    ) throws {
        self.own = own
        self.mode = mode
        self.parameters = parameters
        self.validators = validators
        self.table = RoutingTable(ownKey: KademliaKey(own), parameters: parameters)
        self.book = ContactBook(lifetimeMilliseconds: parameters.bookedContactLifetimeMilliseconds)
        self.records = records
        self.providers = providers
        self.refreshRandom = RefreshKeySource(seed: seed)
        self.nextRefreshAtMilliseconds = saturatingSum(
            now.monotonicMilliseconds, parameters.refreshIntervalMilliseconds)
        self.nextSeekAtMilliseconds = now.monotonicMilliseconds
        self.nextCollectionAtMilliseconds = now.monotonicMilliseconds
        for value in try records.ownValues().prefix(KademliaLimits.maximumOwnRecords) {
            self.publications.add(.value(key: value.record.key), dueAtMilliseconds: now.monotonicMilliseconds)
        }
        for key in try providers.keys(providedBy: own).prefix(KademliaLimits.maximumOwnRecords) {
            self.publications.add(.provider(key: key), dueAtMilliseconds: now.monotonicMilliseconds)
        }
    }

    /// Begins an operation. Its end is reported with ``KademliaEffect/finished(_:_:_:)``, which may be among the effects returned.
    package mutating func start(_ operation: KademliaOperation, at now: Moment) -> (OperationID, [KademliaEffect]) {
        var effects: [KademliaEffect] = []
        let number = self.begin(operation, purpose: .caller, at: now, into: &effects)
        self.settle(at: now, into: &effects)
        return (OperationID(number: number), effects)
    }

    /// Advances by one input.
    package mutating func step(_ input: KademliaInput, at now: Moment) -> [KademliaEffect] {
        var effects: [KademliaEffect] = []
        switch input {
        case .identified(let contact, let isServer): self.onIdentified(contact, isServer: isServer, at: now)
        case .restored(let contacts): for contact in contacts { self.consider(contact, at: now) }
        case .announces(let addresses): self.ownAddresses = PeerContact(id: self.own, addresses: addresses).addresses
        case .answered(let id, let answer): self.onAnswer(id, answer, at: now, into: &effects)
        case .delivered(let id): self.onDelivered(id, at: now, into: &effects)
        case .failed(let id, let failure): self.onFailure(id, failure, at: now, into: &effects)
        case .cancelled(let id): _ = self.operations.remove(id.number)
        case .withdrawn(let key): self.withdraw(key, into: &effects)
        case .stoppedProviding(let key): self.stopProviding(key, into: &effects)
        case .refresh: self.beginRefresh(at: now, into: &effects)
        case .tick: self.onTick(at: now, into: &effects)
        }
        self.settle(at: now, into: &effects)
        return effects
    }

    /// Carries out the request of a peer. The effects are to be carried out as well.
    package mutating func respond(
        to request: KademliaRequest, from peer: PeerID, at now: Moment
    ) -> (Reply, [KademliaEffect]) {
        guard self.mode == .server else { return (.refuse(.notServing), []) }
        var conflicts: [RecordConflict] = []
        let reply = self.server.reply(
            to: request, from: peer, at: now, records: &self.records, providers: &self.providers, conflicts: &conflicts)
        var effects = conflicts.map(KademliaEffect.conflict)
        if case .refuse(.store(.failed(let reason))) = reply { effects.append(.storeFailed(.failed(reason))) }
        return (reply, effects)
    }

    /// When ``KademliaInput/tick`` is due, in milliseconds of the monotonic clock.
    package var nextDeadline: UInt64 {
        var deadline = min(self.nextRefreshAtMilliseconds, self.nextCollectionAtMilliseconds)
        if self.table.count < self.parameters.minimumTableSize { deadline = min(deadline, self.nextSeekAtMilliseconds) }
        if let publication = self.nextPublicationAtMilliseconds { deadline = min(deadline, publication) }
        for query in self.queries.values {
            let wait = query.isSlow ? self.parameters.queryTimeoutMilliseconds : self.parameters.slowQueryMilliseconds
            deadline = min(deadline, saturatingSum(query.sentAtMilliseconds, wait))
        }
        return deadline
    }

    /// The value this node would answer with, without asking anybody.
    package func localValue(forKey key: [UInt8], at now: Moment) throws -> ValueRecord? {
        try self.server.freshRecord(forKey: key, at: now, in: self.records)
    }

    /// The providers this node would answer with, without asking anybody.
    package func localProviders(forKey key: [UInt8], at now: Moment) throws -> [PeerContact] {
        try self.server.freshProviders(forKey: key, at: now, in: self.providers)
    }

    /// How many operations and queries are under way.
    package var load: (operations: Int, queries: Int) { (self.operations.count, self.queries.count) }

    var server: KademliaServer {
        KademliaServer(
            own: self.own, ownAddresses: self.ownAddresses, parameters: self.parameters, validators: self.validators,
            table: self.table, book: self.book)
    }

    /// What every input ends with: whatever has become possible is begun.
    private mutating func settle(at now: Moment, into effects: inout [KademliaEffect]) {
        self.startChecks(at: now, into: &effects)
        if !self.waitingOperations.isEmpty, self.table.count > 0 || !self.isChecking {
            let waiting = self.waitingOperations
            self.waitingOperations = []
            for number in waiting { self.beginLookup(number, at: now, into: &effects) }
        }
        if self.isShortOfQueries, self.queries.count < KademliaLimits.maximumQueries {
            self.isShortOfQueries = false
            for number in self.operations.numbers { self.pump(number, at: now, into: &effects) }
        }
    }
}
