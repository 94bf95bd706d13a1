/// Why the agent did not do what was asked: a code for programs, what happened and what to do for people.
package struct ControlError: Error, Sendable, Hashable, Codable, CustomStringConvertible {
    package var code: ControlErrorCode
    /// What happened, in one sentence without a full stop.
    package var message: String
    /// What to do about it; empty when nothing can be done.
    package var hint: String

    package init(_ code: ControlErrorCode, _ message: String, hint: String = "") {
        self.code = code
        self.message = message
        self.hint = hint
    }

    package var description: String { self.hint.isEmpty ? self.message : "\(self.message); \(self.hint)" }
}

/// The body of every failed reply, and what a failing command prints with `--json`: `{"error":{…}}`.
package struct ControlErrorEnvelope: Sendable, Hashable, Codable {
    package var error: ControlError

    package init(error: ControlError) {
        self.error = error
    }
}

/// The codes of ``ControlError`` (Specs/control-api.md, section 4). Each has one HTTP status and one exit status.
package enum ControlErrorCode: String, Sendable, Hashable, Codable, CaseIterable {
    /// The request itself is wrong: an unknown flag, a malformed name, a missing field.
    case usage
    /// What the request points at is broken: a manifest, a key, a record, a grant.
    case invalid
    /// No token, or not the right one.
    case unauthenticated
    /// A policy, or the peer, said no.
    case refused
    /// No such worker, record or peer; also the answer to whoever may not know of a private worker.
    case notFound
    /// The agent, the peer or every host of the worker is out of reach.
    case unreachable
    case timeout
    /// The state does not allow it now: a second agent on one folder, a name that is taken.
    case conflict
    /// A bound is reached: disk, memory, connections, streams.
    case exhausted
    /// The request, or the data, is larger than allowed.
    case tooLarge
    case cancelled
    /// The worker ran and said that it failed.
    case failed
    /// The agent broke its own contract.
    case `internal`

    /// The status of the HTTP reply.
    package var httpStatus: Int {
        switch self {
        case .usage: 400
        case .invalid: 422
        case .unauthenticated: 401
        case .refused: 403
        case .notFound: 404
        case .unreachable: 503
        case .timeout: 504
        case .conflict: 409
        case .exhausted: 429
        case .tooLarge: 413
        case .cancelled: 499
        case .failed: 502
        case .internal: 500
        }
    }

    /// The exit status of the command that met it.
    package var exitStatus: Int32 {
        switch self {
        case .usage: 2
        case .notFound, .unreachable, .timeout: 3
        case .refused, .unauthenticated: 4
        case .invalid, .conflict, .exhausted, .tooLarge, .cancelled, .failed, .internal: 1
        }
    }
}
