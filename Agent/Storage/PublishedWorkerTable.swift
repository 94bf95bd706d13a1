internal import Foundation
internal import GRDB

/// A worker that this agent's key publishes.
package struct StoredPublishedWorker: Hashable, Sendable {
    /// The bare name.
    package var name: String
    /// `worker.yaml` as it was published.
    package var manifest: [UInt8]
    /// The CID of the release in text.
    package var release: String
    /// The signed envelope of the latest descriptor.
    package var descriptor: [UInt8]
    /// Of that descriptor.
    package var sequence: UInt64
    package var isPrivate: Bool
    /// Where it was published from.
    package var folder: String

    package init(
        name: String, manifest: [UInt8], release: String, descriptor: [UInt8], sequence: UInt64, isPrivate: Bool,
        folder: String
    ) {
        self.name = name
        self.manifest = manifest
        self.release = release
        self.descriptor = descriptor
        self.sequence = sequence
        self.isPrivate = isPrivate
        self.folder = folder
    }
}

enum PublishedWorkerTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE published_worker (
                    name TEXT PRIMARY KEY,
                    manifest BLOB NOT NULL,
                    release TEXT NOT NULL,
                    descriptor BLOB NOT NULL,
                    sequence INTEGER NOT NULL,
                    is_private INTEGER NOT NULL,
                    folder TEXT NOT NULL
                ) STRICT
                """)
    }

    static func value(_ row: Row) -> StoredPublishedWorker {
        StoredPublishedWorker(
            name: row["name"], manifest: [UInt8](row["manifest"] as Data), release: row["release"],
            descriptor: [UInt8](row["descriptor"] as Data), sequence: UInt64(stored: row["sequence"]),
            isPrivate: row["is_private"], folder: row["folder"])
    }
}

extension AgentStore {
    /// The workers published from here, by name.
    package func publishedWorkers() async throws(StorageError) -> [StoredPublishedWorker] {
        try await self.database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM published_worker ORDER BY name").map(
                PublishedWorkerTable.value)
        }
    }

    /// Keeps a worker in the place of an earlier publication of the name.
    package func keepPublishedWorker(_ worker: StoredPublishedWorker) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO published_worker
                        (name, manifest, release, descriptor, sequence, is_private, folder)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    worker.name, Data(worker.manifest), worker.release, Data(worker.descriptor), worker.sequence.stored,
                    worker.isPrivate, worker.folder,
                ])
        }
    }

    /// Forgets a published worker. Its counters, grants and secrets stay, so that a later publication goes on from them.
    package func removePublishedWorker(_ name: String) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(sql: "DELETE FROM published_worker WHERE name = ?", arguments: [name])
        }
    }
}
