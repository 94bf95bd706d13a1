import Cryptography
import Foundation
import Hosting
package import Identity
import Launching
package import Libuv
package import Logging
import Market
import Mesh
import Overlay
package import Storage
import Wire

extension Agent {
    /// Starts the agent of a data folder: takes the folder, opens what is kept, joins the mesh, starts every worker that
    /// was published or hosted, and announces it.
    ///
    /// `network` makes the network for an identity and a store; tests give one in memory.
    ///
    /// - Throws: ``AgentStartError`` with what to do; nothing is left running then.
    package static func start(
        _ configuration: AgentConfiguration, on loop: EventLoop, logger: Logger,
        network: @Sendable (KeyPair, DataFolder) async throws -> any MeshNetwork
    ) async throws(AgentStartError) -> Agent {
        let agent: Agent
        do {
            agent = try await self.open(configuration, loop, logger, network)
        } catch let error as AgentStartError {
            throw error
        } catch {
            throw AgentStartError(description: "\(error)")
        }
        do {
            try await agent.restore()
        } catch {
            await agent.stop()
            throw AgentStartError(description: "\(error)")
        }
        await agent.serve()
        await agent.beginMaintenance()
        return agent
    }

    private static func open(
        _ configuration: AgentConfiguration, _ loop: EventLoop, _ logger: Logger,
        _ network: @Sendable (KeyPair, DataFolder) async throws -> any MeshNetwork
    ) async throws -> Agent {
        let (folder, key, store, releases, archives, listed) = try await offLoop { () throws in
            let folder = try DataFolder.open(configuration.dataFolder)
            let path = folder.file(KeyFile.name)
            let key = try KeyFile.readOrCreate(path) { SecureRandom.bytes(32) }.keyPair
            let store = try AgentStore(in: folder, peerID: key.peerID.description)
            let releases = try ReleaseStore(folder: try folder.subfolder("releases"))
            let archives = ArchiveFolder(folder: try folder.subfolder("archives"))
            archives.removeLeftovers()
            let listed = try TrustedLibraries.load(path: folder.file(TrustedLibraries.fileName))
            return (folder, key, store, releases, archives, listed)
        }
        let trusted = listed.digests.union(try await store.trustedLibraries())
        let launcher = JailLauncher(on: loop, helper: configuration.jailHelper)
        let host = WorkerHost(
            on: loop, launcher: launcher,
            settings: WorkerHostSettings(
                dataFolder: folder.path, trustedLibraries: TrustedLibraries(digests: trusted)))
        return Agent(
            AgentParts(
                configuration: configuration, loop: loop, key: key, folder: folder, store: store, releases: releases,
                archives: archives, network: try await network(key, folder), workerHost: host, logger: logger,
                trusted: trusted))
    }

    // MARK: What was kept

    /// Takes up what was kept: publications, hosted workers, memberships and subscriptions.
    private func restore() async throws {
        for kept in try await self.store.memberships() {
            guard let worker = try? WorkerName(kept.worker) else { continue }
            self.memberships[worker] = try? GroupSecret(
                epoch: kept.epoch, secret: kept.secret, location: kept.location)
        }
        for kept in try await self.store.subscriptions(of: self.peerID.description) {
            guard let record = try? SignedSubscription(verifying: kept.envelope) else { continue }
            let subscription = record.subscription
            if (self.ownSubscriptions[subscription.worker]?.issued ?? 0) <= subscription.issued {
                self.ownSubscriptions[subscription.worker] = subscription
            }
        }
        for kept in try await self.store.publishedWorkers() { try await self.restore(kept) }
        for kept in try await self.store.hostedWorkers() { try await self.restore(kept) }
    }

    private func restore(_ kept: StoredPublishedWorker) async throws {
        guard let old = try? SignedRecord<WorkerDescriptor>(verifying: kept.descriptor),
            let text = String(validating: kept.manifest, as: UTF8.self)
        else {
            return self.logger.error("a published worker that was kept cannot be read; publish it again")
        }
        var manifest = try WorkerManifest.parse(text)
        manifest.visibility = kept.isPrivate ? .private : .public
        let worker = old.content.worker
        let group = try await self.group(for: worker, manifest, old: nil)
        // Signed anew: the time in which it counts may have passed while the agent was away.
        let signed = try await self.sign(old.content)
        var own = OwnWorker(
            worker: worker, manifest: manifest, manifestBytes: kept.manifest, folder: kept.folder,
            descriptor: signed.descriptor, grant: signed.grant, grants: try await self.keptGrants(of: worker.name),
            group: group)
        try await self.keep(own)
        own.problem = await self.resume(worker, manifest, release: old.content.release.cid)
        self.own[worker.name] = own
        self.enterGate(own)
    }

    private func restore(_ kept: StoredHostedWorker) async throws {
        guard let worker = try? WorkerName(kept.worker), let cid = try? CID(kept.release),
            let descriptor = try? SignedRecord<WorkerDescriptor>(verifying: kept.descriptor),
            let grant = try? SignedRecord<HostGrant>(verifying: kept.grant)
        else {
            return self.logger.error("a hosted worker that was kept cannot be read; host it again")
        }
        let manifest: WorkerManifest
        do {
            manifest = try await self.installedManifest(cid, of: worker)
        } catch {
            return self.logger.error("a hosted worker cannot be started: \(error)")
        }
        var guest = GuestWorker(
            manifest: manifest, descriptor: descriptor, grant: grant,
            secret: descriptor.content.visibility == .private ? self.memberships[worker] : nil)
        guest.problem = await self.resume(worker, manifest, release: cid)
        self.guests[worker] = guest
        if let secret = guest.secret { _ = self.gate.set(secret, for: worker) }
    }
}

/// Why an agent did not start. The text is for the operator: what happened, then what to do.
package struct AgentStartError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}
