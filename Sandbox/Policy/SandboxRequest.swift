/// What a worker's manifest asks for: the `limits:` and `sandbox:` parts of worker.yaml (Specs/sandbox.md, section 2).
package struct SandboxRequest: Sendable, Hashable {
    /// `sandbox.profile`.
    package var profile = SandboxProfile.strict
    /// `limits`.
    package var limits = StatedLimits()
    /// `sandbox.bind`, in the order written.
    package var binds: [BindMount] = []
    /// `sandbox.device`: paths under /dev.
    package var devices: [String] = []
    /// `sandbox.network`.
    package var network = NetworkAccess.none

    /// Asks for nothing but the defaults.
    package init() {}

    /// The most entries in `bind`, and in `device`.
    package static let maximumBindCount = 32
}
