import Identity
import Kademlia
import TestKit
import Testing
import Wire

@Suite("The stores in memory") struct StoreTests {
    private func value(_ number: UInt8, expiresAt: UInt64 = 100, isOwn: Bool = false) -> StoredValue {
        StoredValue(
            record: ValueRecord(key: [number], value: [number]), receivedAtUnixMilliseconds: 0,
            expiresAtUnixMilliseconds: expiresAt, isOwn: isOwn)
    }

    @Test("hold values up to their limit; own ones always fit") func valueLimit() throws {
        var store = MemoryRecordStore(limit: 2)
        try store.store(self.value(1))
        try store.store(self.value(2))
        #expect(throws: StoreError.full(limit: 2)) { try store.store(self.value(3)) }
        try store.store(self.value(2, expiresAt: 200))
        try store.store(self.value(4, isOwn: true))
        #expect(store.count() == 3)
        #expect(store.ownValues() == [self.value(4, isOwn: true)])
        store.removeExpired(atUnixMilliseconds: 100)
        #expect(store.value(forKey: [1]) == nil)
        #expect(store.value(forKey: [2]) != nil)
        #expect(store.value(forKey: [4]) != nil)
        store.removeValue(forKey: [4])
        #expect(store.count() == 1)
    }

    @Test("hold providers up to their limits, by peer id") func providerLimit() throws {
        var random = SplitMix64(seed: 1)
        let contacts = (0..<4).map { testContact($0, &random) }.sorted { $0.id < $1.id }
        func entry(_ index: Int, expiresAt: UInt64 = 100) -> StoredProvider {
            StoredProvider(
                contact: contacts[index], receivedAtUnixMilliseconds: 0, expiresAtUnixMilliseconds: expiresAt)
        }
        var store = MemoryProviderStore(limit: 3, limitPerKey: 2)
        try store.store(entry(1), forKey: [1])
        try store.store(entry(0), forKey: [1])
        #expect(throws: StoreError.full(limit: 2)) { try store.store(entry(2), forKey: [1]) }
        try store.store(entry(2), forKey: [2])
        #expect(throws: StoreError.full(limit: 3)) { try store.store(entry(3), forKey: [3]) }
        try store.store(entry(1, expiresAt: 300), forKey: [1])
        #expect(store.providers(forKey: [1]) == [entry(0), entry(1, expiresAt: 300)])
        #expect(store.keys(providedBy: contacts[2].id) == [[2]])
        store.removeExpired(atUnixMilliseconds: 200, except: contacts[2].id)
        #expect(store.count() == 2)
        store.removeProvider(contacts[2].id, forKey: [2])
        #expect(store.providers(forKey: [2]).isEmpty)
        #expect(store.count() == 1)
    }

    @Test("remember contacts up to a limit and for a time, the last seen longest") func contactBook() {
        var random = SplitMix64(seed: 2)
        var book = ContactBook(limit: 3, lifetimeMilliseconds: 1_000)
        let contacts = (0..<4).map { testContact($0, &random) }
        for contact in contacts.prefix(3) { book.remember(contact, atMilliseconds: 0) }
        for _ in 0..<100 { book.remember(contacts[0], atMilliseconds: 10) }
        book.remember(contacts[3], atMilliseconds: 10)
        #expect(book.count <= 3)
        #expect(book.contact(of: contacts[0].id, atMilliseconds: 1_009) == contacts[0])
        #expect(book.contact(of: contacts[0].id, atMilliseconds: 1_010) == nil)
        #expect(book.contact(of: contacts[1].id, atMilliseconds: 10) == nil)
        #expect(book.contact(of: contacts[3].id, atMilliseconds: 10) == contacts[3])
        book.forget(contacts[3].id)
        #expect(book.contact(of: contacts[3].id, atMilliseconds: 10) == nil)
    }
}
