package import Policy

/// What a worker is, how it is started and what it offers: the file `worker.yaml` (Specs/worker-manifest.md).
package struct WorkerManifest: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable { case library, subprocess, exec }
    package enum Visibility: String, Sendable, Hashable, CaseIterable { case `public`, `private` }
    /// Which direction of a method may have more than one message.
    package enum Streaming: String, Sendable, Hashable, CaseIterable { case none, input, output, both }

    package struct Method: Sendable, Hashable {
        package var name: String
        package var description = ""
        /// What to send, preferably a media type.
        package var input = ""
        /// What comes back, preferably a media type.
        package var output = ""
        package var streaming = Streaming.none
        /// Whether the method may be done twice without harm.
        package var isIdempotent = false
        /// Kind `exec`: the program and its arguments for this method; empty means ``WorkerManifest/entry``.
        package var arguments: [String] = []
    }

    package var name: String
    package var kind: Kind
    /// Kind `library`: the file alone. Otherwise the program and its arguments.
    package var entry: [String]
    package var release: SemanticVersion
    /// In the order of the file.
    package var methods: [Method]
    package var description = ""
    package var visibility = Visibility.private
    package var tags: [String] = []
    /// Free text or the YAML of a mapping; kept and shown, not interpreted. Empty means free of charge.
    package var price = ""
    /// Processes to run.
    package var instances = 1
    /// Calls at once (Specs/worker-manifest.md, section 2).
    package var concurrency = 16
    package var readySeconds = 10
    /// 0 means no watchdog.
    package var watchdogSeconds = 30
    package var stopSeconds = 5
    /// What the worker asks of the sandbox: the keys `limits` and `sandbox`.
    package var sandbox = SandboxRequest()

    /// The method of that name.
    package func method(_ name: String) -> Method? { self.methods.first { $0.name == name } }
}

/// The bounds of a manifest (Specs/worker-manifest.md).
package enum ManifestLimits {
    /// The name of the file in a worker's folder.
    package static let fileName = "worker.yaml"
    /// The longest manifest, in bytes.
    package static let fileBytes = BoundedYAML.maximumByteCount
    /// The deepest nesting of mappings and lists.
    package static let nesting = 8
    package static let nameBytes = 63
    package static let methods = 64
    package static let methodBytes = 64
    package static let descriptionBytes = 1_024
    /// The longest price, input and output description, each in bytes.
    package static let textBytes = 256
    package static let tags = 16
    package static let tagBytes = 32
    package static let arguments = 64
    package static let argumentBytes = 4_096
    package static let releaseBytes = 64
    package static let instances = 1...16
    package static let concurrency = 1...1_024
    package static let readySeconds = 1...300
    package static let watchdogSeconds = 0...3_600
    package static let stopSeconds = 1...300
}
