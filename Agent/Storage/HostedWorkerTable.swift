internal import Foundation
internal import GRDB

/// A worker of another publisher that this agent hosts.
package struct StoredHostedWorker: Hashable, Sendable {
    /// The full name.
    package var worker: String
    /// The CID of the release in text.
    package var release: String
    /// The signed envelope of the host grant.
    package var grant: [UInt8]
    /// The signed envelope of the publisher's descriptor that names it.
    package var descriptor: [UInt8]

    package init(worker: String, release: String, grant: [UInt8], descriptor: [UInt8]) {
        self.worker = worker
        self.release = release
        self.grant = grant
        self.descriptor = descriptor
    }
}

enum HostedWorkerTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE hosted_worker (
                    worker TEXT PRIMARY KEY,
                    release TEXT NOT NULL,
                    host_grant BLOB NOT NULL,
                    descriptor BLOB NOT NULL
                ) STRICT
                """)
    }
}

extension AgentStore {
    /// The workers hosted for others, by full name.
    package func hostedWorkers() async throws(StorageError) -> [StoredHostedWorker] {
        try await self.database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM hosted_worker ORDER BY worker").map { row in
                StoredHostedWorker(
                    worker: row["worker"], release: row["release"], grant: [UInt8](row["host_grant"] as Data),
                    descriptor: [UInt8](row["descriptor"] as Data))
            }
        }
    }

    /// Keeps a hosted worker in the place of what was kept under its name.
    package func keepHostedWorker(_ worker: StoredHostedWorker) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(
                sql:
                    "INSERT OR REPLACE INTO hosted_worker (worker, release, host_grant, descriptor) VALUES (?, ?, ?, ?)",
                arguments: [worker.worker, worker.release, Data(worker.grant), Data(worker.descriptor)])
        }
    }

    package func removeHostedWorker(_ worker: String) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(sql: "DELETE FROM hosted_worker WHERE worker = ?", arguments: [worker])
        }
    }
}
