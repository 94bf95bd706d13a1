internal import Foundation
internal import GRDB

/// What a member of a private worker's group knows, learnt from its slot (Specs/private-workers.md, section 4).
package struct StoredMembership: Hashable, Sendable {
    /// The full name of the worker.
    package var worker: String
    package var epoch: UInt64
    /// 32 bytes.
    package var secret: [UInt8]
    /// The public half of the location key, 32 bytes.
    package var location: [UInt8]

    package init(worker: String, epoch: UInt64, secret: [UInt8], location: [UInt8]) {
        self.worker = worker
        self.epoch = epoch
        self.secret = secret
        self.location = location
    }
}

enum MembershipTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE membership (
                    worker TEXT PRIMARY KEY,
                    epoch INTEGER NOT NULL,
                    secret BLOB NOT NULL,
                    location BLOB NOT NULL
                ) STRICT
                """)
    }
}

extension AgentStore {
    /// The memberships, by worker.
    package func memberships() async throws(StorageError) -> [StoredMembership] {
        try await self.database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM membership ORDER BY worker").map { row in
                StoredMembership(
                    worker: row["worker"], epoch: UInt64(stored: row["epoch"]), secret: [UInt8](row["secret"] as Data),
                    location: [UInt8](row["location"] as Data))
            }
        }
    }

    /// Keeps a membership in the place of that of an earlier epoch.
    package func keepMembership(_ membership: StoredMembership) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO membership (worker, epoch, secret, location) VALUES (?, ?, ?, ?)",
                arguments: [
                    membership.worker, membership.epoch.stored, Data(membership.secret), Data(membership.location),
                ])
        }
    }

    package func removeMembership(_ worker: String) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(sql: "DELETE FROM membership WHERE worker = ?", arguments: [worker])
        }
    }
}
