import Identity
import Kademlia
import Overlay
import Storage
import TestKit
import Testing
import Wire

/// The same claims for the store in memory and the one on disk.
@Suite("A store of the table") struct TableStoreTests {
    enum Kind: CaseIterable { case memory, disk }

    /// Runs a body with stores of one kind that hold at most `limit` entries and two providers a key.
    private static func with(
        _ kind: Kind, limit: Int = 3, _ body: (inout any RecordStore, inout any ProviderStore) throws -> Void
    ) throws {
        switch kind {
        case .memory:
            var records: any RecordStore = MemoryRecordStore(limit: limit)
            var providers: any ProviderStore = MemoryProviderStore(limit: limit, limitPerKey: 2)
            try body(&records, &providers)
        case .disk:
            let base = try TemporaryFolder()
            let store = try TableStore(in: DataFolder.open(base.path))
            var records: any RecordStore = try DiskRecordStore(store, limit: limit)
            var providers: any ProviderStore = try DiskProviderStore(store, limit: limit, limitPerKey: 2)
            try body(&records, &providers)
            try store.close()
        }
    }

    private static func value(_ key: UInt8, expires: UInt64 = 100, isOwn: Bool = false) -> StoredValue {
        StoredValue(
            record: ValueRecord(key: [0, key], value: [key]), receivedAtUnixMilliseconds: 1,
            expiresAtUnixMilliseconds: expires, isOwn: isOwn)
    }

    private static func provider(_ seed: UInt8, expires: UInt64 = 100) throws -> StoredProvider {
        let peer = try KeyPair(seed: [UInt8](repeating: seed, count: 32)).peerID
        let addresses = [try Multiaddr("/ip4/127.0.0.1/tcp/\(seed)"), try Multiaddr("/ip6/::1/tcp/9")]
        return StoredProvider(
            contact: PeerContact(id: peer, addresses: addresses), receivedAtUnixMilliseconds: 1,
            expiresAtUnixMilliseconds: expires)
    }

    @Test("returns and replaces values", arguments: Kind.allCases) func values(kind: Kind) throws {
        try Self.with(kind) { records, _ in
            #expect(try records.value(forKey: [0, 1]) == nil)
            try records.store(Self.value(1))
            try records.store(Self.value(1, expires: 200))
            #expect(try records.value(forKey: [0, 1]) == Self.value(1, expires: 200))
            #expect(try records.count() == 1)
            try records.removeValue(forKey: [0, 1])
            try records.removeValue(forKey: [0, 1])
            #expect(try records.count() == 0)
        }
    }

    @Test("is full at its limit, but not for own values", arguments: Kind.allCases) func full(kind: Kind) throws {
        try Self.with(kind) { records, _ in
            for key in 1...3 { try records.store(Self.value(UInt8(key))) }
            #expect(throws: StoreError.full(limit: 3)) { try records.store(Self.value(4)) }
            try records.store(Self.value(3, expires: 300))
            try records.store(Self.value(9, isOwn: true))
            try records.store(Self.value(8, isOwn: true))
            #expect(try records.count() == 5)
            #expect(try records.ownValues() == [Self.value(8, isOwn: true), Self.value(9, isOwn: true)])
        }
    }

    @Test("drops what has expired, but not own values", arguments: Kind.allCases) func expiry(kind: Kind) throws {
        try Self.with(kind) { records, _ in
            try records.store(Self.value(1, expires: 10))
            try records.store(Self.value(2, expires: 11))
            try records.store(Self.value(3, expires: 10, isOwn: true))
            try records.removeExpired(atUnixMilliseconds: 10)
            #expect(try records.value(forKey: [0, 1]) == nil)
            #expect(try records.value(forKey: [0, 2]) != nil)
            #expect(try records.value(forKey: [0, 3]) != nil)
            #expect(try records.count() == 2)
        }
    }

    @Test("keeps providers by key, in order and within bounds", arguments: Kind.allCases) func providers(kind: Kind)
        throws
    {
        try Self.with(kind) { _, providers in
            let all = try (1...4).map { try Self.provider(UInt8($0)) }.sorted { $0.contact.id < $1.contact.id }
            try providers.store(all[1], forKey: [1])
            try providers.store(all[0], forKey: [1])
            try providers.store(all[0], forKey: [1])
            #expect(try providers.providers(forKey: [1]) == [all[0], all[1]])
            #expect(throws: StoreError.full(limit: 2)) { try providers.store(all[2], forKey: [1]) }
            try providers.store(all[0], forKey: [2])
            #expect(throws: StoreError.full(limit: 3)) { try providers.store(all[3], forKey: [3]) }
            #expect(try providers.keys(providedBy: all[0].contact.id) == [[1], [2]])
            try providers.removeProvider(all[0].contact.id, forKey: [1])
            #expect(try providers.count() == 2)
            try providers.removeExpired(atUnixMilliseconds: 100, except: all[0].contact.id)
            #expect(try providers.count() == 1)
            #expect(try providers.providers(forKey: [2]) == [all[0]])
        }
    }

    @Test("on disk is there again after a restart, with its counts") func restart() throws {
        let base = try TemporaryFolder()
        let folder = try DataFolder.open(base.path)
        let contacts = try (1...3).map { try Self.provider(UInt8($0)).contact }
        do {
            let store = try TableStore(in: folder)
            try DiskRecordStore(store).store(Self.value(1))
            try DiskProviderStore(store).store(Self.provider(1), forKey: [1])
            try DiskRoutingTableStore(store).save(Array(contacts.reversed()))
            try DiskRoutingTableStore(store).save(contacts)
            try store.close()
        }
        let store = try TableStore(in: folder)
        #expect(try DiskRecordStore(store).value(forKey: [0, 1]) == Self.value(1))
        #expect(try DiskRecordStore(store).count() == 1)
        #expect(try DiskProviderStore(store).providers(forKey: [1]) == [Self.provider(1)])
        #expect(try DiskProviderStore(store).count() == 1)
        #expect(try DiskRoutingTableStore(store).load() == contacts)
        try store.close()
    }

    @Test("on disk remembers peers in their order") func peers() async throws {
        let base = try TemporaryFolder()
        let folder = try DataFolder.open(base.path)
        let known = try (1...3).map { seed in
            let contact = try Self.provider(UInt8(seed)).contact
            return KnownPeer(
                peer: contact.id, addresses: contact.addresses, protocols: ["/a", "/b"],
                agentVersion: seed == 1 ? nil : "dsmp/\(seed)", lastConnectedUnixMilliseconds: UInt64(seed))
        }
        do {
            let store = try TableStore(in: folder)
            #expect(try await DiskPeerStore(store).loadPeers().isEmpty)
            try await DiskPeerStore(store).savePeers(known.reversed())
            try await DiskPeerStore(store).savePeers(known)
            try store.close()
        }
        let store = try TableStore(in: folder)
        #expect(try await DiskPeerStore(store).loadPeers() == known)
        try store.close()
    }

    @Test("on disk writes its log back while it is used") func writeBack() throws {
        let base = try TemporaryFolder()
        let store = try TableStore(in: DataFolder.open(base.path))
        let records = try DiskRecordStore(store)
        for round in 0..<4_100 { try records.store(Self.value(UInt8(round % 3), expires: UInt64(round))) }
        try store.close()
        let again = try TableStore(in: DataFolder.open(base.path))
        #expect(try DiskRecordStore(again).value(forKey: [0, 1])?.expiresAtUnixMilliseconds == 4_099)
        try again.close()
    }
}
