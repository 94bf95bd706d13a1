internal import Foundation
internal import GRDB

/// The secrets of one epoch of a private worker that this agent publishes (Specs/private-workers.md, section 2).
package struct StoredGroupSecret: Hashable, Sendable {
    /// The bare name of the worker.
    package var worker: String
    package var epoch: UInt64
    /// 32 bytes.
    package var secret: [UInt8]
    /// 32 bytes.
    package var locationSeed: [UInt8]

    package init(worker: String, epoch: UInt64, secret: [UInt8], locationSeed: [UInt8]) {
        self.worker = worker
        self.epoch = epoch
        self.secret = secret
        self.locationSeed = locationSeed
    }
}

enum GroupSecretTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE group_secret (
                    worker TEXT NOT NULL,
                    epoch INTEGER NOT NULL,
                    secret BLOB NOT NULL,
                    location_seed BLOB NOT NULL,
                    PRIMARY KEY (worker, epoch)
                ) STRICT
                """)
    }
}

extension AgentStore {
    /// Epochs kept of one worker: the present one and those before it that may have to be overwritten on the mesh.
    package static let keptEpochs = 8

    /// The secrets of a worker, the present epoch first.
    package func groupSecrets(of worker: String) async throws(StorageError) -> [StoredGroupSecret] {
        try await self.database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM group_secret WHERE worker = ? ORDER BY epoch DESC", arguments: [worker]
            ).map { row in
                StoredGroupSecret(
                    worker: row["worker"], epoch: UInt64(stored: row["epoch"]), secret: [UInt8](row["secret"] as Data),
                    locationSeed: [UInt8](row["location_seed"] as Data))
            }
        }
    }

    /// Keeps the secrets of an epoch, before anybody sees them, and forgets epochs beyond ``keptEpochs``.
    package func keepGroupSecret(_ secret: StoredGroupSecret) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO group_secret (worker, epoch, secret, location_seed) VALUES (?, ?, ?, ?)",
                arguments: [secret.worker, secret.epoch.stored, Data(secret.secret), Data(secret.locationSeed)])
            try database.execute(
                sql: """
                    DELETE FROM group_secret WHERE worker = ?1 AND epoch NOT IN
                        (SELECT epoch FROM group_secret WHERE worker = ?1 ORDER BY epoch DESC LIMIT ?2)
                    """,
                arguments: [secret.worker, Self.keptEpochs])
        }
    }
}
