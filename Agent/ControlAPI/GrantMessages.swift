/// What a grant allows its peer to do.
package enum GrantRole: String, Sendable, Hashable, Codable {
    /// Run the worker and answer its calls.
    case host
    /// Find and call a private worker.
    case consumer
}

/// Asks to sign a grant.
package struct GrantRequest: Sendable, Hashable, Codable {
    package var worker: String
    /// The peer id that is let in.
    package var peer: String
    package var role: GrantRole
    /// From now, in seconds; nil takes the agent's default.
    package var validSeconds: UInt64?

    package init(worker: String, peer: String, role: GrantRole, validSeconds: UInt64? = nil) {
        self.worker = worker
        self.peer = peer
        self.role = role
        self.validSeconds = validSeconds
    }
}

package struct GrantSummary: Sendable, Hashable, Codable {
    package var worker: String
    package var peer: String
    package var role: GrantRole
    /// The release that a host may run; nil for a consumer.
    package var release: String?
    package var expiresUnixMilliseconds: UInt64
    /// The signed grant for the peer to keep, as base64 of its envelope; nil where only the fact is reported.
    package var grant: String?

    package init(
        worker: String, peer: String, role: GrantRole, release: String?, expiresUnixMilliseconds: UInt64,
        grant: String? = nil
    ) {
        self.worker = worker
        self.peer = peer
        self.role = role
        self.release = release
        self.expiresUnixMilliseconds = expiresUnixMilliseconds
        self.grant = grant
    }
}

/// Asks to take a grant back.
package struct RevokeRequest: Sendable, Hashable, Codable {
    package var worker: String
    package var peer: String
    /// Nil takes back both.
    package var role: GrantRole?

    package init(worker: String, peer: String, role: GrantRole? = nil) {
        self.worker = worker
        self.peer = peer
        self.role = role
    }
}

package struct RevokeSummary: Sendable, Hashable, Codable {
    package var worker: String
    package var peer: String
    package var revoked: [GrantRole]
    /// The group's secret counts up with each rotation; nil for a public worker.
    package var epoch: UInt64?

    package init(worker: String, peer: String, revoked: [GrantRole], epoch: UInt64? = nil) {
        self.worker = worker
        self.peer = peer
        self.revoked = revoked
        self.epoch = epoch
    }
}

/// Asks to host another publisher's worker.
package struct HostRequest: Sendable, Hashable, Codable {
    package var worker: String
    /// The grant as base64; nil looks for one on the mesh.
    package var grant: String?
    /// A folder that packs to exactly the granted release; nil fetches the release from a host.
    package var folder: String?
    /// Trusts the SHA-256 of the worker's library, so that it is loaded into the agent; its crash then ends the agent.
    package var trustLibrary: Bool?

    package init(worker: String, grant: String? = nil, folder: String? = nil, trustLibrary: Bool? = nil) {
        self.worker = worker
        self.grant = grant
        self.folder = folder
        self.trustLibrary = trustLibrary
    }
}
