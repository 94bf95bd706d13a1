/// What one worker may do: requested by its manifest and granted by the operator. Compile it once with
/// `PolicyCompiler` (Launching) and start any number of processes under it.
package struct EffectivePolicy: Sendable, Hashable {
    package var profile: SandboxProfile
    package var limits: ResourceLimits
    package var binds: [BindMount]
    /// Devices beyond null, zero, full, random and urandom, which every worker has.
    package var devices: [String]
    package var network: NetworkAccess
    /// Host paths that the jail refuses to show whatever name they are reached by. Checked by descriptor.
    package var protected: ProtectedPaths

    /// The policy of a worker that requests nothing.
    package init(profile: SandboxProfile = .strict, protected: ProtectedPaths) {
        self.profile = profile
        self.limits = .standard
        self.binds = []
        self.devices = []
        self.network = .none
        self.protected = protected
    }
}

/// Host paths that no policy can grant, and nothing that contains them (Specs/sandbox.md, section 2.4).
package struct ProtectedPaths: Sendable, Hashable {
    /// Normalised absolute paths of this agent: its data folder, its control socket, folders of workers.
    package let own: [String]

    /// The most paths of the agent's own.
    package static let maximumOwnCount = 16
    /// Protected on every machine.
    package static let always = ["/root", "/sys", "/proc"]

    /// - Parameter own: absolute paths of this agent that must stay out of every jail: the data folder, the control
    ///   socket when it lies elsewhere, and folders that hold releases. At most ``maximumOwnCount``.
    /// - Throws: when one is not an absolute path, or there are too many.
    package init(own: [String]) throws(FieldProblem) {
        guard own.count <= Self.maximumOwnCount else {
            throw FieldProblem("\(own.count) paths to protect are more than \(Self.maximumOwnCount); name their folder")
        }
        var paths: [String] = []
        for path in own { paths.append(try AbsolutePath.normalised(path)) }
        self.own = paths
    }

    /// All of them.
    package var all: [String] { Self.always + self.own }
}
