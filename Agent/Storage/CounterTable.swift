internal import GRDB

/// Sequence numbers of what this agent signs. A number is kept before anybody sees it, so that none is used twice.
enum CounterTable {
    static func create(_ database: Database) throws {
        try database.execute(sql: "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT")
    }

    static func next(_ name: String, atLeast floor: UInt64, in database: Database) throws -> UInt64 {
        let last = try Int64.fetchOne(database, sql: "SELECT value FROM counter WHERE name = ?", arguments: [name])
        let (following, overflows) = UInt64(stored: last ?? 0).addingReportingOverflow(1)
        guard !overflows else { throw StorageError.counterExhausted(name: name) }
        let value = max(following, floor)
        try database.execute(
            sql: "INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            arguments: [name, value.stored])
        return value
    }
}

extension AgentStore {
    /// The next number of a counter: at least 1, at least the floor, and higher than every one returned before, also
    /// before a restart.
    package func nextSequence(_ counter: String, atLeast floor: UInt64 = 1) async throws(StorageError) -> UInt64 {
        try await self.database.write { try CounterTable.next(counter, atLeast: floor, in: $0) }
    }
}
