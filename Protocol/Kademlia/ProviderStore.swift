package import Identity

/// A peer that said it provides something.
package struct StoredProvider: Hashable, Sendable {
    /// Who, and where it said to be.
    package var contact: PeerContact
    /// When it said so last, in Unix milliseconds of this node.
    package var receivedAtUnixMilliseconds: UInt64
    /// When the entry is dropped, in Unix milliseconds of this node.
    package var expiresAtUnixMilliseconds: UInt64

    package init(contact: PeerContact, receivedAtUnixMilliseconds: UInt64, expiresAtUnixMilliseconds: UInt64) {
        self.contact = contact
        self.receivedAtUnixMilliseconds = receivedAtUnixMilliseconds
        self.expiresAtUnixMilliseconds = expiresAtUnixMilliseconds
    }
}

/// Where a node keeps who provides what (Specs/kademlia.md, section 5). Called from one actor at a time.
package protocol ProviderStore: Sendable {
    /// The providers of a key, expired or not, by peer id in ascending order.
    func providers(forKey key: [UInt8]) throws -> [StoredProvider]

    /// Stores an entry in the place of the same peer's earlier one.
    ///
    /// - Throws: ``StoreError/full(limit:)`` for a new entry when ``KademliaLimits/maximumProviderCount`` are held, or
    ///   ``KademliaLimits/maximumProvidersPerKey`` under its key.
    mutating func store(_ provider: StoredProvider, forKey key: [UInt8]) throws

    /// Removes a peer's entry, if there is one.
    mutating func removeProvider(_ id: PeerID, forKey key: [UInt8]) throws

    /// Removes the entries that have expired. Those of the node itself (`own`) stay until they are removed.
    mutating func removeExpired(atUnixMilliseconds now: UInt64, except own: PeerID) throws

    /// The keys a peer provides, in lexicographic order.
    func keys(providedBy id: PeerID) throws -> [[UInt8]]

    /// How many entries are held.
    func count() throws -> Int
}

/// A provider store that lasts as long as the process: for tests, simulations and agents without a disk.
package struct MemoryProviderStore: ProviderStore {
    private var entries: [[UInt8]: [StoredProvider]] = [:]  // Each list by peer id.
    private var entryCount = 0
    private let limit: Int
    private let limitPerKey: Int

    /// An empty store.
    package init(
        limit: Int = KademliaLimits.maximumProviderCount, limitPerKey: Int = KademliaLimits.maximumProvidersPerKey
    ) {
        self.limit = limit
        self.limitPerKey = limitPerKey
    }

    package func providers(forKey key: [UInt8]) -> [StoredProvider] { self.entries[key] ?? [] }

    package mutating func store(_ provider: StoredProvider, forKey key: [UInt8]) throws {
        var list = self.entries[key] ?? []
        if let index = list.firstIndex(where: { $0.contact.id == provider.contact.id }) {
            list[index] = provider
        } else {
            guard list.count < self.limitPerKey else { throw StoreError.full(limit: self.limitPerKey) }
            guard self.entryCount < self.limit else { throw StoreError.full(limit: self.limit) }
            list.insert(provider, at: list.firstIndex { provider.contact.id < $0.contact.id } ?? list.endIndex)
            self.entryCount += 1
        }
        self.entries[key] = list
    }

    package mutating func removeProvider(_ id: PeerID, forKey key: [UInt8]) {
        self.keep(forKey: key) { $0.contact.id != id }
    }

    package mutating func removeExpired(atUnixMilliseconds now: UInt64, except own: PeerID) {
        for key in self.entries.keys {
            self.keep(forKey: key) { $0.contact.id == own || $0.expiresAtUnixMilliseconds > now }
        }
    }

    package func keys(providedBy id: PeerID) -> [[UInt8]] {
        self.entries.filter { $0.value.contains { $0.contact.id == id } }.keys.sorted {
            $0.lexicographicallyPrecedes($1)
        }
    }

    package func count() -> Int { self.entryCount }

    private mutating func keep(forKey key: [UInt8], where isKept: (StoredProvider) -> Bool) {
        guard let list = self.entries[key] else { return }
        let kept = list.filter(isKept)
        self.entryCount -= list.count - kept.count
        self.entries[key] = kept.isEmpty ? nil : kept
    }
}

/// Where the shell keeps the table over a restart.
package protocol RoutingTableStore: Sendable {
    /// What was saved last; empty the first time.
    func load() throws -> [PeerContact]
    /// Saves in the place of what was saved before.
    func save(_ contacts: [PeerContact]) throws
}
