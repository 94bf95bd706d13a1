internal import Foundation
internal import GRDB

/// One subscription, as consumer or as publisher (Specs/subscription.md).
package struct StoredSubscription: Hashable, Sendable {
    /// Peer id in text.
    package var consumer: String
    /// The full name of the worker.
    package var worker: String
    /// 16 bytes.
    package var nonce: [UInt8]
    package var sequence: UInt64
    /// The consumer's signed envelope.
    package var envelope: [UInt8]
    /// The publisher's receipt; nil before it came.
    package var receipt: [UInt8]?
    package var isCancelled: Bool

    package init(
        consumer: String, worker: String, nonce: [UInt8], sequence: UInt64, envelope: [UInt8], receipt: [UInt8]?,
        isCancelled: Bool
    ) {
        self.consumer = consumer
        self.worker = worker
        self.nonce = nonce
        self.sequence = sequence
        self.envelope = envelope
        self.receipt = receipt
        self.isCancelled = isCancelled
    }
}

enum SubscriptionTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE subscription (
                    consumer TEXT NOT NULL,
                    worker TEXT NOT NULL,
                    nonce BLOB NOT NULL,
                    sequence INTEGER NOT NULL,
                    envelope BLOB NOT NULL,
                    receipt BLOB,
                    is_cancelled INTEGER NOT NULL,
                    PRIMARY KEY (consumer, worker, nonce)
                ) STRICT
                """)
    }

    static func value(_ row: Row) -> StoredSubscription {
        StoredSubscription(
            consumer: row["consumer"], worker: row["worker"], nonce: [UInt8](row["nonce"] as Data),
            sequence: UInt64(stored: row["sequence"]), envelope: [UInt8](row["envelope"] as Data),
            receipt: (row["receipt"] as Data?).map { [UInt8]($0) }, isCancelled: row["is_cancelled"])
    }
}

extension AgentStore {
    /// The subscriptions of a consumer, by worker and nonce.
    package func subscriptions(of consumer: String) async throws(StorageError) -> [StoredSubscription] {
        try await self.database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM subscription WHERE consumer = ? ORDER BY worker, nonce",
                arguments: [consumer]
            ).map(SubscriptionTable.value)
        }
    }

    /// The subscriptions to a worker, by consumer and nonce.
    package func subscriptions(to worker: String) async throws(StorageError) -> [StoredSubscription] {
        try await self.database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM subscription WHERE worker = ? ORDER BY consumer, nonce",
                arguments: [worker]
            ).map(SubscriptionTable.value)
        }
    }

    /// How many subscriptions to a worker are kept.
    package func subscriptionCount(to worker: String) async throws(StorageError) -> Int {
        try await self.database.read { database in
            try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM subscription WHERE worker = ?", arguments: [worker]) ?? 0
        }
    }

    /// Keeps a subscription in the place of an earlier sequence of it.
    package func keepSubscription(_ subscription: StoredSubscription) async throws(StorageError) {
        try await self.database.write { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO subscription
                        (consumer, worker, nonce, sequence, envelope, receipt, is_cancelled)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    subscription.consumer, subscription.worker, Data(subscription.nonce), subscription.sequence.stored,
                    Data(subscription.envelope), subscription.receipt.map { Data($0) }, subscription.isCancelled,
                ])
        }
    }
}
