internal import Foundation
internal import GRDB
package import Kademlia
internal import Synchronization

/// The values of the distributed hash table that this node holds.
enum RecordTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE record (
                    key BLOB PRIMARY KEY,
                    value BLOB NOT NULL,
                    received INTEGER NOT NULL,
                    expires INTEGER NOT NULL,
                    is_own INTEGER NOT NULL
                ) STRICT
                """)
        try database.execute(sql: "CREATE INDEX record_expiry ON record (is_own, expires)")
    }

    static func value(_ row: Row) -> StoredValue {
        StoredValue(
            record: ValueRecord(key: [UInt8](row["key"] as Data), value: [UInt8](row["value"] as Data)),
            receivedAtUnixMilliseconds: UInt64(stored: row["received"]),
            expiresAtUnixMilliseconds: UInt64(stored: row["expires"]), isOwn: row["is_own"])
    }
}

/// A record store that survives the process (Specs/kademlia.md, section 5).
///
/// Expiry is compared as SQLite compares: a time beyond the year 292,000,000 counts as past.
package final class DiskRecordStore: RecordStore {
    private let store: TableStore
    private let limit: Int
    /// Counting rows would read the whole index.
    private let held: Mutex<Int>

    /// - Parameters:
    ///   - store: where the table is.
    ///   - limit: values held before a new key is refused.
    /// - Throws: what the disk does.
    package init(_ store: TableStore, limit: Int = KademliaLimits.maximumValueCount) throws(StorageError) {
        self.store = store
        self.limit = limit
        self.held = Mutex(
            try store.database.readNow { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM record") ?? 0 })
    }

    package func value(forKey key: [UInt8]) throws -> StoredValue? {
        try self.store.database.readNow { database in
            try Row.fetchOne(database, sql: "SELECT * FROM record WHERE key = ?", arguments: [Data(key)])
                .map(RecordTable.value)
        }
    }

    package func store(_ value: StoredValue) throws {
        let key = Data(value.record.key)
        let outcome = try self.store.change { database -> Result<Bool, StoreError> in
            let isNew = try Row.fetchOne(database, sql: "SELECT 1 FROM record WHERE key = ?", arguments: [key]) == nil
            if isNew, !value.isOwn, self.held.withLock({ $0 }) >= self.limit {
                return .failure(.full(limit: self.limit))
            }
            try database.execute(
                sql: "INSERT OR REPLACE INTO record (key, value, received, expires, is_own) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    key, Data(value.record.value), value.receivedAtUnixMilliseconds.stored,
                    value.expiresAtUnixMilliseconds.stored, value.isOwn,
                ])
            return .success(isNew)
        }
        if try outcome.get() { self.held.withLock { $0 += 1 } }
    }

    package func removeValue(forKey key: [UInt8]) throws {
        let removed = try self.store.change { database in
            try database.execute(sql: "DELETE FROM record WHERE key = ?", arguments: [Data(key)])
            return database.changesCount
        }
        self.held.withLock { $0 -= removed }
    }

    package func removeExpired(atUnixMilliseconds now: UInt64) throws {
        let removed = try self.store.change { database in
            try database.execute(
                sql: "DELETE FROM record WHERE is_own = 0 AND expires <= ?", arguments: [now.stored])
            return database.changesCount
        }
        self.held.withLock { $0 -= removed }
    }

    package func ownValues() throws -> [StoredValue] {
        try self.store.database.readNow { database in
            try Row.fetchAll(database, sql: "SELECT * FROM record WHERE is_own = 1 ORDER BY key").map(RecordTable.value)
        }
    }

    package func count() -> Int { self.held.withLock { $0 } }
}
