import Identity
import Kademlia
import TestKit
import Wire

/// A whole network of the real nodes on a virtual clock: messages take time and get lost, peers die and lie. Everything
/// follows from one seed.
struct SimulatedNetwork {
    /// How the network behaves.
    struct Conditions {
        var latencyMilliseconds: ClosedRange<UInt64> = 5...80
        /// One message in this many is lost; 0: none.
        var lossOneIn: UInt64 = 0
        /// Whether every message goes through its bytes.
        var usesCodec = false
    }

    struct Member {
        let contact: PeerContact
        var node: KademliaNode
        var isAlive = true
        var isLiar = false
        var tickAt: UInt64 = .max
        /// Liars keep the first record they see and return it for ever.
        var firstSeen: [[UInt8]: ValueRecord] = [:]
    }

    private enum Event {
        case tick(member: Int)
        case request(from: Int, to: Int, QueryID, KademliaRequest)
        case answer(to: Int, from: Int, QueryID, KademliaAnswer)
        case failure(to: Int, QueryID, QueryFailure)
        case delivered(to: Int, QueryID)
    }

    var members: [Member] = []
    var random: SplitMix64
    var conditions: Conditions
    private(set) var now: UInt64 = 1_000
    private(set) var messageCount = 0
    private(set) var results: [Handle: (result: OperationResult, tally: Lookup.Tally, at: UInt64)] = [:]
    private(set) var conflicts = 0

    /// One operation of one member.
    struct Handle: Hashable {
        let member: Int
        let id: OperationID
    }

    private var events = EventQueue<Event>()
    private var indexByAddress: [Multiaddr: Int] = [:]
    private var indexByID: [PeerID: Int] = [:]
    private var introduced: Set<[Int]> = []
    /// Ids that nobody has, for liars to name: the closest of many to a key, as if ground for it.
    private var inventedPeers: [(key: KademliaKey, contact: PeerContact)] = []

    init(memberCount: Int, seed: UInt64, conditions: Conditions = Conditions()) throws {
        self.random = SplitMix64(seed: seed)
        self.conditions = conditions
        for _ in 0..<memberCount { try self.addMember() }
        for number in 0..<4_000 {
            let contact = testContact(1_000_000 + number, &self.random)
            self.inventedPeers.append((KademliaKey(contact.id), contact))
        }
        self.inventedPeers.sort { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }
    }

    @discardableResult
    mutating func addMember(mode: KademliaMode = .server) throws -> Int {
        let index = self.members.count
        let contact = testContact(index, &self.random)
        let node = try KademliaNode(
            own: contact.id, mode: mode, validators: .test, seed: self.random.bytes(32), at: Moment(self.now))
        self.members.append(Member(contact: contact, node: node))
        self.indexByAddress[contact.addresses[0]] = index
        self.indexByID[contact.id] = index
        self.feed(index, .announces(contact.addresses))
        return index
    }

    /// Everybody connects to the first member, a few milliseconds apart, and the network settles.
    mutating func bootstrap(settlingMilliseconds: UInt64 = 30_000) {
        for index in self.members.indices.dropFirst() {
            self.connect(index, 0)
            self.run(untilMilliseconds: self.now + 20)
        }
        self.run(untilMilliseconds: self.now + settlingMilliseconds)
    }

    /// A connection: identify tells each side about the other.
    mutating func connect(_ first: Int, _ second: Int) {
        guard self.introduced.insert([min(first, second), max(first, second)]).inserted else { return }
        for (member, other) in [(first, second), (second, first)] {
            let isServer = self.members[other].node.mode == .server
            self.feed(member, .identified(self.members[other].contact, isServer: isServer))
        }
    }

    mutating func start(_ operation: KademliaOperation, at member: Int) -> Handle {
        let (id, effects) = self.members[member].node.start(operation, at: Moment(self.now))
        self.carryOut(effects, of: member)
        return Handle(member: member, id: id)
    }

    mutating func feed(_ member: Int, _ input: KademliaInput) {
        self.carryOut(self.members[member].node.step(input, at: Moment(self.now)), of: member)
    }

    /// Runs until all of the operations have ended, at most ten virtual minutes.
    mutating func finish(_ handles: [Handle]) {
        let limit = self.now + 600_000
        while self.now < limit, handles.contains(where: { self.results[$0] == nil }), self.step(limit: limit) {}
    }

    mutating func run(untilMilliseconds end: UInt64) {
        while self.step(limit: end) {}
        self.now = max(self.now, end)
    }

    /// Handles the next event, if it is due before `limit`.
    private mutating func step(limit: UInt64) -> Bool {
        guard let (at, event) = self.events.popFirst(before: limit) else { return false }
        self.now = max(self.now, at)
        switch event {
        case .tick(let member):
            guard self.members[member].tickAt == at else { return true }
            self.members[member].tickAt = .max
            if self.members[member].isAlive { self.feed(member, .tick) }
        case .request(let from, let to, let id, let request): self.receive(request, id, from: from, at: to)
        case .answer(let to, let from, let id, let answer):
            guard self.members[to].isAlive else { return true }
            self.connect(to, from)
            self.feed(to, .answered(id, answer))
        case .failure(let to, let id, let failure): if self.members[to].isAlive { self.feed(to, .failed(id, failure)) }
        case .delivered(let to, let id): if self.members[to].isAlive { self.feed(to, .delivered(id)) }
        }
        return true
    }

    private mutating func carryOut(_ effects: [KademliaEffect], of member: Int) {
        for effect in effects {
            switch effect {
            case .query(let id, let contact, let request): self.send(request, id, from: member, to: contact)
            case .finished(let id, let result, let tally):
                self.results[Handle(member: member, id: id)] = (result, tally, self.now)
            case .conflict: self.conflicts += 1
            case .abandon, .progress, .seekPeers, .storeFailed: break
            }
        }
        let deadline = max(self.members[member].node.nextDeadline, self.now + 1)
        guard deadline != self.members[member].tickAt else { return }
        self.members[member].tickAt = deadline
        self.events.push(.tick(member: member), at: deadline)
    }

    private mutating func send(_ request: KademliaRequest, _ id: QueryID, from member: Int, to contact: PeerContact) {
        self.messageCount += 1
        let reached = contact.addresses.compactMap { self.indexByAddress[$0] }
            .first { self.members[$0].contact.id == contact.id }
        guard let reached, self.members[reached].isAlive else {
            // Half of those who are gone refuse at once; of the others nothing is heard.
            guard self.random.oneIn(2) else { return }
            self.events.push(.failure(to: member, id, .unreachable), at: self.now + 2 * self.latency())
            return
        }
        if self.isLost() { return }
        let request = self.conditions.usesCodec ? (try? KademliaRequest(message: request.message)) : request
        guard let request else { preconditionFailure("a request did not survive its bytes") }
        self.events.push(.request(from: member, to: reached, id, request), at: self.now + self.latency())
        if !request.expectsAnswer { self.events.push(.delivered(to: member, id), at: self.now + 2 * self.latency()) }
    }

    private mutating func receive(_ request: KademliaRequest, _ id: QueryID, from member: Int, at index: Int) {
        guard self.members[index].isAlive else { return }
        self.connect(index, member)
        guard self.members[index].node.mode == .server else {
            self.events.push(.failure(to: member, id, .notServing), at: self.now + self.latency())
            return
        }
        var (reply, effects) = self.members[index].node.respond(
            to: request, from: self.members[member].contact.id, at: Moment(self.now))
        if self.members[index].isLiar { reply = self.lie(about: request, index) }
        self.carryOut(effects, of: index)
        guard !self.isLost() else { return }
        switch reply {
        case .answer(let answer):
            let answer = self.conditions.usesCodec ? (try? KademliaAnswer(message: answer.message)) : answer
            guard let answer else { preconditionFailure("an answer did not survive its bytes") }
            self.messageCount += 1
            self.events.push(.answer(to: member, from: index, id, answer), at: self.now + self.latency())
        case .refuse: self.events.push(.failure(to: member, id, .refused), at: self.now + self.latency())
        case .silence: break
        }
    }

    /// What a liar answers: invented peers that are closer than any real one, the oldest record it ever saw, providers
    /// that do not exist; it takes records and throws them away.
    private mutating func lie(about request: KademliaRequest, _ index: Int) -> Reply {
        let target = KademliaKey(hashing: request.key)
        let closer = self.inventedPeers(closestTo: target)
        switch request {
        case .findNode(let key):
            // It answers the check of the table like anybody: a liar wants to be in it.
            if key == self.members[index].contact.id.bytes {
                return .answer(KademliaAnswer(kind: .findNode, closerPeers: [self.members[index].contact] + closer))
            }
            return .answer(KademliaAnswer(kind: .findNode, closerPeers: closer))
        case .getValue(let key):
            let record = self.members[index].firstSeen[key]
            return .answer(KademliaAnswer(kind: .getValue, key: key, record: record, closerPeers: closer))
        case .putValue(let record):
            if self.members[index].firstSeen[record.key] == nil { self.members[index].firstSeen[record.key] = record }
            return .answer(KademliaAnswer(kind: .putValue, key: record.key, record: record))
        case .getProviders(let key):
            let answer = KademliaAnswer(
                kind: .getProviders, key: key, closerPeers: closer, providers: Array(closer.prefix(3)))
            return .answer(answer)
        case .addProvider: return .silence
        case .ping: return .answer(KademliaAnswer(kind: .ping))
        }
    }

    /// The twenty invented peers closest to a position: they share the longest prefixes, so they are neighbours in the
    /// order of positions.
    private func inventedPeers(closestTo target: KademliaKey) -> [PeerContact] {
        var (low, high) = (0, self.inventedPeers.count)
        let position = target.bytes
        while low < high {
            let middle = (low + high) / 2
            let isBefore = self.inventedPeers[middle].key.bytes.lexicographicallyPrecedes(position)
            if isBefore { low = middle + 1 } else { high = middle }
        }
        let window = max(0, low - 60)..<min(self.inventedPeers.count, low + 60)
        return self.inventedPeers[window].sorted { $0.key.distance(to: target) < $1.key.distance(to: target) }
            .prefix(20).map(\.contact)
    }

    private mutating func latency() -> UInt64 {
        .random(in: self.conditions.latencyMilliseconds, using: &self.random)
    }

    private mutating func isLost() -> Bool {
        self.conditions.lossOneIn > 0 && self.random.oneIn(self.conditions.lossOneIn)
    }
}

/// Events by time, then in the order they were pushed: a binary heap.
struct EventQueue<Event> {
    private var heap: [(at: UInt64, number: UInt64, event: Event)] = []
    private var lastNumber: UInt64 = 0

    mutating func push(_ event: Event, at time: UInt64) {
        self.lastNumber += 1
        self.heap.append((time, self.lastNumber, event))
        var child = self.heap.count - 1
        while child > 0, self.precedes(child, (child - 1) / 2) {
            self.heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popFirst(before limit: UInt64) -> (UInt64, Event)? {
        guard let first = self.heap.first, first.at < limit else { return nil }
        self.heap.swapAt(0, self.heap.count - 1)
        self.heap.removeLast()
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < self.heap.count }
            guard let least = children.min(by: { self.precedes($0, $1) }), self.precedes(least, parent) else { break }
            self.heap.swapAt(least, parent)
            parent = least
        }
        return (first.at, first.event)
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (self.heap[left].at, self.heap[left].number) < (self.heap[right].at, self.heap[right].number)
    }
}
