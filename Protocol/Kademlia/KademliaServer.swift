import Identity
import Wire

/// Why a request got no answer. The shell resets the stream.
package enum RequestRefusal: Hashable, Sendable, CustomStringConvertible {
    case record(ValueRefusal)
    /// An ADD_PROVIDER without an entry of its sender that has an address.
    case foreignProvider
    case store(StoreError)
    /// This node is a client.
    case notServing

    package var description: String {
        switch self {
        case .record(let refusal): refusal.description
        case .foreignProvider: "a provider may announce only itself, with an address"
        case .store(let error): error.description
        case .notServing: "this node does not serve the table"
        }
    }
}

/// What to do with a request.
package enum Reply: Hashable, Sendable {
    /// Write this answer.
    case answer(KademliaAnswer)
    /// The request was carried out and has no answer: read the next one.
    case silence
    /// Reset the stream.
    case refuse(RequestRefusal)
}

/// The answering half of a node (Specs/kademlia.md, section 3): rules without state of their own.
struct KademliaServer {
    let own: PeerID
    let ownAddresses: [Multiaddr]
    let parameters: KademliaParameters
    let validators: ValidatorRegistry
    let table: RoutingTable
    let book: ContactBook

    /// Carries out one request. A conflict between records is appended to `conflicts`.
    func reply(
        to request: KademliaRequest, from peer: PeerID, at now: Moment, records: inout any RecordStore,
        providers: inout any ProviderStore, conflicts: inout [RecordConflict]
    ) -> Reply {
        do {
            switch request {
            case .ping: return .answer(KademliaAnswer(kind: .ping))
            case .findNode(let key):
                let target = self.contact(withKey: key, askedBy: peer, at: now)
                let others = self.closerPeers(to: key, askedBy: peer).filter { $0.id != target?.id }
                let peers = (target.map { [$0] } ?? []) + others
                return .answer(KademliaAnswer(kind: .findNode, closerPeers: peers))
            case .getValue(let key):
                let record = try self.freshRecord(forKey: key, at: now, in: records)
                let closer = self.closerPeers(to: key, askedBy: peer)
                return .answer(KademliaAnswer(kind: .getValue, key: key, record: record, closerPeers: closer))
            case .putValue(let record):
                try self.store(record, at: now, in: &records, conflicts: &conflicts)
                return .answer(KademliaAnswer(kind: .putValue, key: record.key, record: record))
            case .getProviders(let key):
                let found = try self.freshProviders(forKey: key, at: now, in: providers)
                let window = self.window(of: found, askedBy: peer)
                let closer = self.closerPeers(to: key, askedBy: peer)
                return .answer(KademliaAnswer(kind: .getProviders, key: key, closerPeers: closer, providers: window))
            case .addProvider(let key, let announced):
                guard let contact = announced.first(where: { $0.id == peer && !$0.addresses.isEmpty }) else {
                    return .refuse(.foreignProvider)
                }
                try providers.store(self.provider(contact, at: now), forKey: key)
                return .silence
            }
        } catch let refusal as ValueRefusal {
            return .refuse(.record(refusal))
        } catch let error as StoreError {
            return .refuse(.store(error))
        } catch {
            return .refuse(.store(.failed("\(error)")))
        }
    }

    /// An entry that lives from now on.
    func provider(_ contact: PeerContact, at now: Moment) -> StoredProvider {
        StoredProvider(
            contact: contact, receivedAtUnixMilliseconds: now.unixMilliseconds,
            expiresAtUnixMilliseconds: saturatingSum(now.unixMilliseconds, self.parameters.providerLifetimeMilliseconds)
        )
    }

    /// The record under a key, unless it has expired or is not valid any more.
    func freshRecord(forKey key: [UInt8], at now: Moment, in records: any RecordStore) throws -> ValueRecord? {
        guard let held = try records.value(forKey: key), held.expiresAtUnixMilliseconds > now.unixMilliseconds else {
            return nil
        }
        guard self.validators.isValid(held.record, unixMilliseconds: now.unixMilliseconds) else {
            return nil
        }
        return held.record
    }

    /// The providers of a key that have not expired; addresses only while these are young. The node itself with the
    /// addresses it has now.
    func freshProviders(forKey key: [UInt8], at now: Moment, in providers: any ProviderStore) throws -> [PeerContact] {
        try providers.providers(forKey: key).compactMap { provider in
            if provider.contact.id == self.own { return PeerContact(id: self.own, addresses: self.ownAddresses) }
            guard provider.expiresAtUnixMilliseconds > now.unixMilliseconds else { return nil }
            let addressesEnd = saturatingSum(
                provider.receivedAtUnixMilliseconds, self.parameters.providerAddressLifetimeMilliseconds)
            guard addressesEnd <= now.unixMilliseconds else { return provider.contact }
            return self.knownContact(of: provider.contact.id, at: now) ?? PeerContact(id: provider.contact.id)
        }
    }

    /// Validates a record, ranks it against the one held and stores it.
    func store(
        _ record: ValueRecord, isOwn: Bool = false, at now: Moment, in records: inout any RecordStore,
        conflicts: inout [RecordConflict]
    ) throws {
        let expiry = try self.validators.validate(record, unixMilliseconds: now.unixMilliseconds)
        var isOwn = isOwn
        if let held = try records.value(forKey: record.key), held.expiresAtUnixMilliseconds > now.unixMilliseconds,
            held.record != record
        {
            if self.validators.compare(key: record.key, record.value, held.record.value) == .conflicting {
                conflicts.append(RecordConflict(key: record.key, first: held.record.value, second: record.value))
            }
            guard self.validators.prefers(record.value, to: held.record.value, key: record.key) else {
                throw ValueRefusal.outdated
            }
        } else if let held = try records.value(forKey: record.key), held.record == record {
            isOwn = isOwn || held.isOwn
        }
        let latest = saturatingSum(now.unixMilliseconds, self.parameters.valueLifetimeMilliseconds)
        try records.store(
            StoredValue(
                record: record, receivedAtUnixMilliseconds: now.unixMilliseconds,
                expiresAtUnixMilliseconds: min(latest, expiry ?? latest), isOwn: isOwn))
    }

    /// What is known of a peer: from the table, else from the book.
    func knownContact(of id: PeerID, at now: Moment) -> PeerContact? {
        self.table.entry(of: id)?.contact
            ?? self.book.contact(of: id, atMilliseconds: now.monotonicMilliseconds)
    }

    private func contact(withKey key: [UInt8], askedBy peer: PeerID, at now: Moment) -> PeerContact? {
        guard let id = try? PeerID(bytes: key), id != peer else { return nil }
        let contact =
            id == self.own
            ? PeerContact(id: self.own, addresses: self.ownAddresses) : self.knownContact(of: id, at: now)
        guard let contact, !contact.addresses.isEmpty else { return nil }
        return contact
    }

    private func closerPeers(to key: [UInt8], askedBy peer: PeerID) -> [PeerContact] {
        self.table.closest(to: KademliaKey(hashing: key), count: self.parameters.replication) {
            $0.contact.id != peer && !$0.contact.addresses.isEmpty
        }.map(\.contact)
    }

    /// The providers in an order that begins at a place that depends on who asks.
    private func window(of providers: [PeerContact], askedBy peer: PeerID) -> [PeerContact] {
        guard !providers.isEmpty else { return [] }
        let position = KademliaKey(peer).bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let start = Int(position % UInt64(providers.count))
        return Array(providers[start...] + providers[..<start])
    }
}

/// Two valid values of one key that claim the same rank: their publisher equivocated.
package struct RecordConflict: Hashable, Sendable {
    package let key: [UInt8]
    package let first: [UInt8]
    package let second: [UInt8]

    package init(key: [UInt8], first: [UInt8], second: [UInt8]) {
        self.key = key
        self.first = first
        self.second = second
    }
}
