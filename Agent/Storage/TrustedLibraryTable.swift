internal import GRDB

/// The dynamic libraries that the operator lets into the agent's own process, by digest.
enum TrustedLibraryTable {
    static func create(_ database: Database) throws {
        try database.execute(sql: "CREATE TABLE trusted_library (digest TEXT PRIMARY KEY) STRICT")
    }
}

extension AgentStore {
    /// SHA-256 digests of trusted libraries, as 64 lower-case hexadecimal digits, sorted.
    package func trustedLibraries() async throws(StorageError) -> [String] {
        try await self.database.read { database in
            try String.fetchAll(database, sql: "SELECT digest FROM trusted_library ORDER BY digest")
        }
    }

    /// Trusts a library from now on.
    package func trustLibrary(_ digest: String) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(
                sql: "INSERT INTO trusted_library (digest) VALUES (?) ON CONFLICT DO NOTHING", arguments: [digest])
        }
    }

    package func distrustLibrary(_ digest: String) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(sql: "DELETE FROM trusted_library WHERE digest = ?", arguments: [digest])
        }
    }
}
