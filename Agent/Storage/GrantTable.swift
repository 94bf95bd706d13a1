internal import Foundation
internal import GRDB

/// A grant that this agent signed as the publisher of a worker.
package struct StoredGrant: Hashable, Sendable {
    package enum Role: String, Hashable, Sendable {
        case host, consumer
    }

    /// The bare name of the worker.
    package var worker: String
    /// The peer id in text.
    package var peer: String
    package var role: Role
    /// The CID of the release that a host may run; nil for a consumer.
    package var release: String?
    /// The signed envelope; empty for a consumer, whose slot is the grant.
    package var envelope: [UInt8]
    /// Of the grant, or of the consumer's slot.
    package var sequence: UInt64
    package var expiresUnixMilliseconds: UInt64
    /// Kept after it was taken back, until its slot on the mesh is gone.
    package var isRevoked: Bool

    package init(
        worker: String, peer: String, role: Role, release: String?, envelope: [UInt8], sequence: UInt64,
        expiresUnixMilliseconds: UInt64, isRevoked: Bool = false
    ) {
        self.worker = worker
        self.peer = peer
        self.role = role
        self.release = release
        self.envelope = envelope
        self.sequence = sequence
        self.expiresUnixMilliseconds = expiresUnixMilliseconds
        self.isRevoked = isRevoked
    }
}

enum GrantTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE worker_grant (
                    worker TEXT NOT NULL,
                    peer TEXT NOT NULL,
                    role TEXT NOT NULL,
                    release TEXT,
                    envelope BLOB NOT NULL,
                    sequence INTEGER NOT NULL,
                    expires INTEGER NOT NULL,
                    is_revoked INTEGER NOT NULL,
                    PRIMARY KEY (worker, peer, role)
                ) STRICT
                """)
    }

    static func value(_ row: Row) -> StoredGrant {
        StoredGrant(
            worker: row["worker"], peer: row["peer"],
            role: StoredGrant.Role(rawValue: row["role"]) ?? .consumer, release: row["release"],
            envelope: [UInt8](row["envelope"] as Data), sequence: UInt64(stored: row["sequence"]),
            expiresUnixMilliseconds: UInt64(stored: row["expires"]), isRevoked: row["is_revoked"])
    }

    static func keep(_ grant: StoredGrant, in database: Database) throws {
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO worker_grant
                    (worker, peer, role, release, envelope, sequence, expires, is_revoked)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                grant.worker, grant.peer, grant.role.rawValue, grant.release, Data(grant.envelope),
                grant.sequence.stored,
                grant.expiresUnixMilliseconds.stored, grant.isRevoked,
            ])
    }
}

extension AgentStore {
    /// The grants of a worker, revoked ones included, by role and peer.
    package func grants(of worker: String) async throws(StorageError) -> [StoredGrant] {
        try await self.database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM worker_grant WHERE worker = ? ORDER BY role, peer", arguments: [worker]
            ).map(GrantTable.value)
        }
    }

    /// Keeps grants, each in the place of what was kept for its worker, peer and role; all or none.
    package func keepGrants(_ grants: [StoredGrant]) async throws(StorageError) {
        try await self.database.write { database in
            for grant in grants { try GrantTable.keep(grant, in: database) }
        }
    }

    package func removeGrant(worker: String, peer: String, role: StoredGrant.Role) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(
                sql: "DELETE FROM worker_grant WHERE worker = ? AND peer = ? AND role = ?",
                arguments: [worker, peer, role.rawValue])
        }
    }

    /// Rotates the secret of a private worker and records who lost or keeps access, in one transaction.
    package func rotate(_ secret: StoredGroupSecret, grants: [StoredGrant]) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO group_secret (worker, epoch, secret, location_seed) VALUES (?, ?, ?, ?)",
                arguments: [secret.worker, secret.epoch.stored, Data(secret.secret), Data(secret.locationSeed)])
            for grant in grants { try GrantTable.keep(grant, in: database) }
        }
    }
}
