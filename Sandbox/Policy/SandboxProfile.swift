/// A named set of system calls and kernel restrictions (Specs/sandbox.md, section 3).
package enum SandboxProfile: String, Sendable, Hashable, CaseIterable {
    /// No sockets of its own, no memory that is both writable and executable. The default.
    case strict
    /// As ``strict``, but memory may be made executable at run time, for programs that compile as they run.
    case jit

    /// Whether the operator must name the profile in policy.yaml before a worker may have it.
    package var mustBeGranted: Bool { self != .strict }

    /// What the profile allows, for a person.
    package var summary: String {
        switch self {
        case .strict: "no network, no code made at run time"
        case .jit: "no network, may make code at run time (for just-in-time compilers)"
        }
    }
}

/// What a worker may reach beyond its jail through the network.
package enum NetworkAccess: String, Sendable, Hashable, CaseIterable {
    /// An empty network namespace, and no socket but the ones handed over.
    case none
    /// Connections to other machines. Known to the model, so that a request is refused with a reason; no profile offers
    /// it yet.
    case outbound
}
