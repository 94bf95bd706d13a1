/// Names one worker, in full or by a bare name.
package struct WorkerReference: Sendable, Hashable, Codable {
    package var worker: String

    package init(worker: String) {
        self.worker = worker
    }
}

/// Who may find and call a worker.
package enum WorkerVisibility: String, Sendable, Hashable, Codable {
    case `public`
    /// Found and called only by grantees; to everybody else it does not exist.
    case `private`
}

/// Asks to publish a folder that holds `worker.yaml`.
package struct PublishRequest: Sendable, Hashable, Codable {
    /// An absolute path that the agent can read.
    package var folder: String
    /// Overrides what the manifest says; nil keeps it.
    package var visibility: WorkerVisibility?
    /// Trusts the SHA-256 of the worker's library, so that it is loaded into the agent; its crash then ends the agent.
    package var trustLibrary: Bool?

    package init(folder: String, visibility: WorkerVisibility? = nil, trustLibrary: Bool? = nil) {
        self.folder = folder
        self.visibility = visibility
        self.trustLibrary = trustLibrary
    }
}

package struct PublishedWorker: Sendable, Hashable, Codable {
    /// The full name.
    package var worker: String
    /// The CID of the packed release.
    package var release: String
    /// The version of the descriptor; it grows with every publication and survives a restart.
    package var sequence: UInt64
    package var visibility: WorkerVisibility

    package init(worker: String, release: String, sequence: UInt64, visibility: WorkerVisibility) {
        self.worker = worker
        self.release = release
        self.sequence = sequence
        self.visibility = visibility
    }
}

/// Whether a worker runs here, as its supervisor sees it.
package enum WorkerState: String, Sendable, Hashable, Codable {
    case starting, running
    /// It ended by itself and is started again after a pause.
    case backingOff
    case stopped
    /// It cannot be started; ``WorkerSummary/reason`` says why.
    case failed
}

/// One worker of this agent in a list.
package struct WorkerSummary: Sendable, Hashable, Codable {
    package var worker: String
    /// `library`, `subprocess` or `exec`.
    package var kind: String
    package var visibility: WorkerVisibility
    package var state: WorkerState
    /// Whether this agent's key publishes it; otherwise it is hosted for another publisher.
    package var published: Bool
    package var release: String
    package var restarts: UInt64
    /// Why it is not running; nil when it is.
    package var reason: String?

    package init(
        worker: String, kind: String, visibility: WorkerVisibility, state: WorkerState, published: Bool,
        release: String, restarts: UInt64 = 0, reason: String? = nil
    ) {
        self.worker = worker
        self.kind = kind
        self.visibility = visibility
        self.state = state
        self.published = published
        self.release = release
        self.restarts = restarts
        self.reason = reason
    }
}

/// All that is known about one worker.
package struct WorkerDetail: Sendable, Hashable, Codable {
    package var worker: String
    package var publisher: String
    package var kind: String
    package var summary: String
    package var methods: [String]
    package var tags: [String]
    package var visibility: WorkerVisibility
    package var release: String
    package var sequence: UInt64
    /// Wall time, in milliseconds since 1970.
    package var expiresUnixMilliseconds: UInt64
    /// The peer ids of the hosts with a valid grant.
    package var hosts: [String]
    /// What its publisher let in; empty unless this agent is the publisher.
    package var grants: [GrantSummary]
    /// How it runs here; nil when it does not.
    package var local: WorkerSummary?

    package init(
        worker: String, publisher: String, kind: String, summary: String, methods: [String], tags: [String],
        visibility: WorkerVisibility, release: String, sequence: UInt64, expiresUnixMilliseconds: UInt64,
        hosts: [String], grants: [GrantSummary] = [], local: WorkerSummary? = nil
    ) {
        self.worker = worker
        self.publisher = publisher
        self.kind = kind
        self.summary = summary
        self.methods = methods
        self.tags = tags
        self.visibility = visibility
        self.release = release
        self.sequence = sequence
        self.expiresUnixMilliseconds = expiresUnixMilliseconds
        self.hosts = hosts
        self.grants = grants
        self.local = local
    }
}
