/// Asks for workers.
package struct FindRequest: Sendable, Hashable, Codable {
    /// The most results that may be asked for.
    package static let limitBound = 1_000

    /// A full name, a name, or a tag; empty lists what this agent knows.
    package var query: String
    /// The most results, 1 to ``limitBound``.
    package var limit: Int

    package init(query: String, limit: Int = 100) {
        self.query = query
        self.limit = limit
    }
}

package struct FoundWorker: Sendable, Hashable, Codable {
    package var worker: String
    package var publisher: String
    package var hosts: [String]
    package var tags: [String]
    package var visibility: WorkerVisibility
    package var kind: String
    package var summary: String

    package init(
        worker: String, publisher: String, hosts: [String], tags: [String], visibility: WorkerVisibility, kind: String,
        summary: String
    ) {
        self.worker = worker
        self.publisher = publisher
        self.hosts = hosts
        self.tags = tags
        self.visibility = visibility
        self.kind = kind
        self.summary = summary
    }
}

/// One own subscription (Specs/subscription.md).
package struct SubscriptionSummary: Sendable, Hashable, Codable {
    package var worker: String
    package var publisher: String
    package var visibility: WorkerVisibility
    package var sinceUnixMilliseconds: UInt64
    /// Nil when it does not end by itself.
    package var expiresUnixMilliseconds: UInt64?

    package init(
        worker: String, publisher: String, visibility: WorkerVisibility, sinceUnixMilliseconds: UInt64,
        expiresUnixMilliseconds: UInt64? = nil
    ) {
        self.worker = worker
        self.publisher = publisher
        self.visibility = visibility
        self.sinceUnixMilliseconds = sinceUnixMilliseconds
        self.expiresUnixMilliseconds = expiresUnixMilliseconds
    }
}

/// Opens a call. The input and the output travel in the exchange.
package struct CallRequest: Sendable, Hashable {
    package var worker: String
    package var method: String
    /// 0 leaves the call without a deadline.
    package var deadlineMilliseconds: UInt32
    /// Empty when the call must not be repeated on another host.
    package var idempotencyKey: [UInt8]
    /// W3C `traceparent`, or empty.
    package var traceParent: String

    package init(
        worker: String, method: String, deadlineMilliseconds: UInt32 = 0, idempotencyKey: [UInt8] = [],
        traceParent: String = ""
    ) {
        self.worker = worker
        self.method = method
        self.deadlineMilliseconds = deadlineMilliseconds
        self.idempotencyKey = idempotencyKey
        self.traceParent = traceParent
    }
}
