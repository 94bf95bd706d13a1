internal import Foundation
internal import GRDB
package import Identity
package import Kademlia
internal import Synchronization

/// Who said to provide what.
enum ProviderTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE provider (
                    key BLOB NOT NULL,
                    peer BLOB NOT NULL,
                    addresses BLOB NOT NULL,
                    received INTEGER NOT NULL,
                    expires INTEGER NOT NULL,
                    PRIMARY KEY (key, peer)
                ) STRICT, WITHOUT ROWID
                """)
        try database.execute(sql: "CREATE INDEX provider_peer ON provider (peer, key)")
        try database.execute(sql: "CREATE INDEX provider_expiry ON provider (expires)")
    }
}

/// A provider store that survives the process (Specs/kademlia.md, section 5).
package final class DiskProviderStore: ProviderStore {
    private let store: TableStore
    private let limit: Int
    private let limitPerKey: Int
    /// Counting rows would read the whole index.
    private let held: Mutex<Int>

    /// - Parameters:
    ///   - store: where the table is.
    ///   - limit: entries held before a new one is refused.
    ///   - limitPerKey: entries under one key before a new one is refused.
    /// - Throws: what the disk does.
    package init(
        _ store: TableStore, limit: Int = KademliaLimits.maximumProviderCount,
        limitPerKey: Int = KademliaLimits.maximumProvidersPerKey
    ) throws(StorageError) {
        self.store = store
        self.limit = limit
        self.limitPerKey = limitPerKey
        self.held = Mutex(
            try store.database.readNow { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM provider") ?? 0 })
    }

    package func providers(forKey key: [UInt8]) throws -> [StoredProvider] {
        let rows = try self.store.database.readNow { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM provider WHERE key = ? ORDER BY peer", arguments: [Data(key)])
        }
        return try rows.map { row in
            StoredProvider(
                contact: try StoredAddresses.contact(peer: row["peer"], addresses: row["addresses"]),
                receivedAtUnixMilliseconds: UInt64(stored: row["received"]),
                expiresAtUnixMilliseconds: UInt64(stored: row["expires"]))
        }
    }

    package func store(_ provider: StoredProvider, forKey key: [UInt8]) throws {
        let key = Data(key)
        let peer = Data(provider.contact.id.bytes)
        let outcome = try self.store.change { database -> Result<Bool, StoreError> in
            let isNew =
                try Row.fetchOne(
                    database, sql: "SELECT 1 FROM provider WHERE key = ? AND peer = ?", arguments: [key, peer]) == nil
            if isNew {
                let underKey =
                    try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM provider WHERE key = ?", arguments: [key])
                    ?? 0
                guard underKey < self.limitPerKey else { return .failure(.full(limit: self.limitPerKey)) }
                guard self.held.withLock({ $0 }) < self.limit else { return .failure(.full(limit: self.limit)) }
            }
            try database.execute(
                sql: "INSERT OR REPLACE INTO provider (key, peer, addresses, received, expires) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    key, peer, StoredAddresses.bytes(provider.contact), provider.receivedAtUnixMilliseconds.stored,
                    provider.expiresAtUnixMilliseconds.stored,
                ])
            return .success(isNew)
        }
        if try outcome.get() { self.held.withLock { $0 += 1 } }
    }

    package func removeProvider(_ id: PeerID, forKey key: [UInt8]) throws {
        try self.remove("DELETE FROM provider WHERE key = ? AND peer = ?", [Data(key), Data(id.bytes)])
    }

    package func removeExpired(atUnixMilliseconds now: UInt64, except own: PeerID) throws {
        try self.remove("DELETE FROM provider WHERE expires <= ? AND peer <> ?", [now.stored, Data(own.bytes)])
    }

    package func keys(providedBy id: PeerID) throws -> [[UInt8]] {
        try self.store.database.readNow { database in
            try Data.fetchAll(
                database, sql: "SELECT key FROM provider WHERE peer = ? ORDER BY key", arguments: [Data(id.bytes)]
            ).map { [UInt8]($0) }
        }
    }

    package func count() -> Int { self.held.withLock { $0 } }

    private func remove(_ statement: String, _ arguments: StatementArguments) throws(StorageError) {
        let removed = try self.store.change { database in
            try database.execute(sql: statement, arguments: arguments)
            return database.changesCount
        }
        self.held.withLock { $0 -= removed }
    }
}
