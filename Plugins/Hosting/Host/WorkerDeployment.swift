package import Identity
package import Launching

/// What a host needs to run a worker: who it is, what it says of itself, where its release lies, and what it may do.
package struct WorkerDeployment: Sendable {
    package var worker: WorkerName
    package var manifest: WorkerManifest
    /// Absolute path of the installed release, shown to the worker as /worker.
    package var releaseFolder: String
    /// Compiled once from what the manifest requests and the operator grants.
    package var policy: CompiledPolicy

    package init(worker: WorkerName, manifest: WorkerManifest, releaseFolder: String, policy: CompiledPolicy) {
        self.worker = worker
        self.manifest = manifest
        self.releaseFolder = releaseFolder
        self.policy = policy
    }
}

/// What all workers of a host have in common.
package struct WorkerHostSettings: Sendable {
    /// The agent's own folder; `libraries` and `logs` are made in it.
    package var dataFolder: String
    package var trustedLibraries: TrustedLibraries
    /// The manifest's own times replace those for readiness and stopping.
    package var supervision = WorkerSupervisor.Policy()

    package init(dataFolder: String, trustedLibraries: TrustedLibraries = TrustedLibraries()) {
        self.dataFolder = dataFolder
        self.trustedLibraries = trustedLibraries
    }
}
