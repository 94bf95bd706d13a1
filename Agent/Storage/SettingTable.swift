internal import GRDB

/// Single values by name.
enum SettingTable {
    static func create(_ database: Database) throws {
        try database.execute(sql: "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
    }

    /// Stores a value unless there is one, and returns the one that is there.
    static func keepFirst(_ name: String, _ value: String, in database: Database) throws -> String {
        try database.execute(
            sql: "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", arguments: [name, value])
        return try String.fetchOne(database, sql: "SELECT value FROM setting WHERE name = ?", arguments: [name])
            ?? value
    }
}

extension AgentStore {
    /// The value of a setting; nil when it was never set.
    package func setting(_ name: String) async throws(StorageError) -> String? {
        try await self.database.read { database in
            try String.fetchOne(database, sql: "SELECT value FROM setting WHERE name = ?", arguments: [name])
        }
    }

    /// Keeps a setting in the place of an earlier value.
    package func setSetting(_ name: String, _ value: String) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(
                sql: "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                arguments: [name, value])
        }
    }
}
