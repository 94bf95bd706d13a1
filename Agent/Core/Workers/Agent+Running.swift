import ControlAPI
import Cryptography
import Foundation
import Hosting
import Identity
import Launching
import Mesh
import Policy
import Storage
import Wire

/// Starting and stopping workers on this agent.
extension Agent {
    /// The longest policy file, in bytes.
    static let policyFileBytes = 1_048_576

    /// Starts a release of a worker and returns when it takes calls. What ran under the name before is stopped first.
    ///
    /// - Throws: ``ControlErrorCode/refused`` by the operator's policy, ``ControlErrorCode/failed`` when the worker does
    ///   not start; then nothing runs under the name.
    func run(_ worker: WorkerName, _ manifest: WorkerManifest, release: CID) async throws(ControlError) {
        let deployment = try await self.deployment(worker, manifest, release: release)
        do throws(HostingError) {
            if await self.workerHost.status(worker) != nil { try await self.workerHost.stop(worker) }
            try await self.workerHost.start(deployment)
            try await self.workerHost.waitUntilReady(worker)
        } catch {
            _ = try? await self.workerHost.remove(worker)
            throw ControlError(.failed, "\(error)")
        }
    }

    /// Starts a worker that was kept, without waiting for it: the supervisor goes on trying. Returns why it cannot be
    /// started at all; nil when it was.
    func resume(_ worker: WorkerName, _ manifest: WorkerManifest, release: CID) async -> String? {
        guard self.releases.contains(release) else {
            return "its release \(release) is not in \(self.releases.folder); publish or host it again"
        }
        do {
            try await self.workerHost.start(self.deployment(worker, manifest, release: release))
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func deployment(
        _ worker: WorkerName, _ manifest: WorkerManifest, release: CID
    ) async throws(ControlError) -> WorkerDeployment {
        let policy = try await self.operatorPolicy()
        do {
            let protected = try ProtectedPaths(own: [self.folder.path])
            // policy.yaml may use the bare name for a worker published here.
            let isBare = worker.publisher == self.peerID && policy.workers.contains { $0.worker == worker.name }
            let effective = try policy.decide(
                manifest.sandbox, worker: isBare ? worker.name : worker.description, protected: protected)
            return WorkerDeployment(
                worker: worker, manifest: manifest, releaseFolder: self.releases.path(of: release),
                policy: try PolicyCompiler.compile(effective))
        } catch let refusal as PolicyRefusal {
            throw ControlError(
                .refused, refusal.description, hint: "see what it asks for with `dsmp worker check`")
        } catch {
            throw ControlError(.internal, "the policy of \(worker) cannot be compiled: \(error)")
        }
    }

    /// Reads the operator's policy; without a file, the standard.
    func operatorPolicy() async throws(ControlError) -> OperatorPolicy {
        let path = self.configuration.policyFile ?? self.folder.file("policy.yaml")
        let isRequired = self.configuration.policyFile != nil
        return try await offLoop { () throws(ControlError) -> OperatorPolicy in
            guard let data = FileManager.default.contents(atPath: path) else {
                guard !isRequired, !FileManager.default.fileExists(atPath: path) else {
                    throw ControlError(
                        .invalid, "\(path) cannot be read", hint: "check that it is there and its permissions")
                }
                return OperatorPolicy()
            }
            guard data.count <= Self.policyFileBytes, let text = String(validating: data, as: UTF8.self) else {
                throw ControlError(.invalid, "\(path) is not a text of at most 1 MiB", hint: "correct it")
            }
            do throws(PolicyTextError) {
                return try OperatorPolicy(parsing: text, file: path)
            } catch {
                throw ControlError(.invalid, "\(error)", hint: "correct the file; workers keep running meanwhile")
            }
        }
    }

    /// Trusts the library of a release, so that it may be loaded into the agent's process.
    func trustLibrary(_ manifest: WorkerManifest, release: CID) async throws(ControlError) {
        guard manifest.kind == .library, let entry = manifest.entry.first else {
            throw ControlError(
                .usage, "only a worker of kind library is trusted by its SHA-256",
                hint: "leave out --trust-library: its processes run in a jail")
        }
        let path = self.releases.path(of: release) + "/" + entry
        let digest = try await offLoop { () throws(ControlError) -> String in
            guard let data = FileManager.default.contents(atPath: path) else {
                throw ControlError(.invalid, "the release has no readable file \(entry)", hint: "correct `entry`")
            }
            return SHA256.digest([UInt8](data)).hexadecimal
        }
        do throws(StorageError) { try await self.store.trustLibrary(digest) } catch { throw ControlError(error) }
        self.trusted.insert(digest)
        await self.workerHost.trust(TrustedLibraries(digests: self.trusted))
    }
}

extension ControlError {
    /// How a failure to keep state is told.
    init(_ error: StorageError) {
        switch error {
        case .diskFull: self.init(.exhausted, error.description)
        case .inUse: self.init(.conflict, error.description)
        default: self.init(.internal, error.description)
        }
    }

    /// How a record of our own that breaks a bound is told.
    init(_ refusal: RecordRefusal) {
        self.init(.invalid, refusal.description, hint: "correct worker.yaml and publish again")
    }
}
