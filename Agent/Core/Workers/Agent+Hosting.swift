package import ControlAPI
import Foundation
import Hosting
import Identity
import Logging
import Mesh
import Storage
import Wire

/// Running workers of other publishers.
extension Agent {
    package func host(_ request: HostRequest) async throws(ControlError) -> WorkerSummary {
        let worker = try self.fullName(request.worker)
        return try await self.exclusively(worker.description) { agent async throws(ControlError) in
            guard worker.publisher != agent.peerID else {
                throw ControlError(
                    .usage, "\(worker.name) is this agent's own", hint: "run it with `dsmp worker publish`")
            }
            let bundle = try await agent.bundle(for: worker, request)
            let release = bundle.descriptor.content.release
            if let folder = request.folder { try await agent.install(folder, expecting: release.cid) }
            try await agent.fetch(release, of: worker, grant: bundle.grant)
            let manifest = try await agent.installedManifest(release.cid, of: worker)
            if request.trustLibrary == true { try await agent.trustLibrary(manifest, release: release.cid) }
            try await agent.run(worker, manifest, release: release.cid)
            return try await agent.settle(worker, manifest, bundle)
        }
    }

    /// Stops hosting a worker of another publisher and forgets it.
    func endHosting(_ worker: WorkerName) async throws(ControlError) -> WorkerSummary {
        guard let guest = self.guests[worker] else { throw .noSuchWorker(worker.description) }
        do throws(StorageError) {
            try await self.store.removeHostedWorker(worker.description)
        } catch { throw ControlError(error) }
        self.guests[worker] = nil
        self.gate.remove(worker)
        await self.endAnnouncement(of: guest.entry, secret: guest.secret)
        var summary = await self.summary(of: guest)
        _ = try? await self.workerHost.remove(worker)
        summary.state = .stopped
        return summary
    }

    /// Keeps a hosted worker, that runs, and announces it.
    private func settle(
        _ worker: WorkerName, _ manifest: WorkerManifest, _ bundle: GrantBundle
    ) async throws(ControlError) -> WorkerSummary {
        let old = self.guests[worker]
        let guest = GuestWorker(
            manifest: manifest, descriptor: bundle.descriptor, grant: bundle.grant, secret: bundle.secret)
        do throws(StorageError) {
            try await self.store.keepHostedWorker(
                StoredHostedWorker(
                    worker: worker.description, release: bundle.descriptor.content.release.cid.description,
                    grant: bundle.grant.envelope, descriptor: bundle.descriptor.envelope))
        } catch { throw ControlError(error) }
        self.guests[worker] = guest
        if let secret = bundle.secret {
            guard self.gate.set(secret, for: worker) else {
                throw ControlError(.exhausted, "\(MembershipGate.maximumWorkers) private workers run here, the limit")
            }
            await self.joinGroup(of: worker, secret)
        }
        if let old { await self.endAnnouncement(of: old.entry, secret: old.secret) }
        await self.announce(guest)
        self.logger.info("hosting \(self.logName(of: worker))")
        return await self.summary(of: guest)
    }

    /// A publisher gave a newer bundle for a worker that is hosted here: a new release, secret or end.
    func takeBundle(_ bundle: GrantBundle, from peer: PeerID) async {
        let worker = bundle.descriptor.content.worker
        await self.exclusively(worker.description) { agent async in
            guard worker.publisher == peer, let guest = agent.guests[worker] else { return }
            guard bundle.descriptor.content.sequence >= guest.descriptor.content.sequence,
                bundle.grant.content.sequence >= guest.grant.content.sequence,
                (try? bundle.check(worker: worker, host: agent.peerID, unixMilliseconds: agent.now)) != nil,
                (bundle.secret?.epoch ?? 0) >= (guest.secret?.epoch ?? 0)
            else { return }
            do throws(ControlError) {
                var manifest = guest.manifest
                let release = bundle.descriptor.content.release
                if release.cid != guest.descriptor.content.release.cid {
                    try await agent.fetch(release, of: worker, grant: bundle.grant)
                    manifest = try await agent.installedManifest(release.cid, of: worker)
                    do throws(ControlError) {
                        try await agent.run(worker, manifest, release: release.cid)
                    } catch {
                        let old = guest.descriptor.content.release.cid
                        _ = await agent.resume(worker, guest.manifest, release: old)
                        throw error
                    }
                }
                _ = try await agent.settle(worker, manifest, bundle)
            } catch {
                agent.logger.error("a new release of \(agent.logName(of: worker)) was not taken: \(error)")
            }
        }
    }

    /// Asks the publishers of hosted workers for what they grant now, and reads the slots of private ones.
    func checkGuests() async {
        for (worker, guest) in self.guests.sorted(by: { $0.key < $1.key }) {
            let isDue = guest.grant.content.expires < self.now + self.configuration.times.descriptorLifetime
            let isOld = !guest.descriptor.isValid(
                unixMilliseconds: self.now + self.configuration.times.descriptorLifetime / 3)
            if isDue || isOld || guest.isPrivate {
                do throws(ControlError) {
                    let bundle = try await self.askForBundle(worker)
                    await self.takeBundle(bundle, from: worker.publisher)
                    continue
                } catch {
                    self.logger.debug("a publisher gave no bundle: \(error.code)")
                }
            }
            if guest.isPrivate { await self.readSlot(of: worker) }
        }
    }

    // MARK: Grant and release

    private func bundle(for worker: WorkerName, _ request: HostRequest) async throws(ControlError) -> GrantBundle {
        guard let text = request.grant else { return try await self.askForBundle(worker) }
        guard let envelope = Data(base64Encoded: text) else {
            throw ControlError(.usage, "the grant is not base64", hint: "give what `dsmp worker grant` printed")
        }
        do {
            let grant = try SignedRecord<HostGrant>(verifying: [UInt8](envelope))
            guard let descriptor = await self.newestDescriptor(of: worker) else {
                throw ControlError(
                    .notFound, "the descriptor of \(worker) is not on the mesh",
                    hint: "ask its publisher to run its agent, then try again")
            }
            let secret = await self.secret(of: worker)
            let bundle = GrantBundle(
                descriptor: descriptor, grant: grant,
                secret: descriptor.content.visibility == .private ? secret : nil)
            try bundle.check(worker: worker, host: self.peerID, unixMilliseconds: self.now)
            return bundle
        } catch let error as ControlError {
            throw error
        } catch {
            throw ControlError(.refused, "the grant does not hold: \(error)", hint: "ask the publisher for a new one")
        }
    }

    /// Asks the publisher for the grant of this agent.
    private func askForBundle(_ worker: WorkerName) async throws(ControlError) -> GrantBundle {
        let answer: [UInt8]
        do throws(NetworkError) {
            answer = try await self.ask(
                worker.publisher, MeshProtocol.grant, GrantQuery.get(worker).payload, limit: GrantQuery.maximumBytes)
        } catch {
            throw ControlError(
                .unreachable, "the publisher of \(worker) cannot be asked for its grant: \(error)",
                hint: "try again when its agent runs, or give the grant with --grant")
        }
        do {
            guard case .bundle(let bundle) = try GrantAnswer(payload: answer) else {
                throw ControlError(
                    .refused, "the publisher has granted no worker \(worker) to this agent",
                    hint: "ask it for `dsmp worker grant \(worker.name) \(self.peerID) --role host`")
            }
            try bundle.check(worker: worker, host: self.peerID, unixMilliseconds: self.now)
            return bundle
        } catch let error as ControlError {
            throw error
        } catch {
            throw ControlError(
                .refused, "the publisher's grant does not hold: \(error)", hint: "ask the publisher for a new one")
        }
    }

    private func install(_ folder: String, expecting cid: CID) async throws(ControlError) {
        let (releases, archives) = (self.releases, self.archives)
        try await offLoop { () throws(ControlError) in
            do {
                let packing = archives.packingPath()
                let packed = try ReleaseArchive.pack(folder: folder, to: packing)
                guard packed.cid == cid else {
                    throw ControlError(
                        .invalid, "\(folder) packs to \(packed.cid), not to the granted release \(cid)",
                        hint: "use the publisher's folder unchanged, or leave it out to fetch the release")
                }
                try releases.install(archive: packing, expecting: cid)
                try archives.keep(packing, as: cid)
            } catch let error as ControlError {
                throw error
            } catch {
                throw ControlError(.invalid, "\(error)")
            }
        }
    }

    /// The manifest of an installed release, which must be that of the worker.
    func installedManifest(_ cid: CID, of worker: WorkerName) async throws(ControlError) -> WorkerManifest {
        let folder = self.releases.path(of: cid)
        let manifest = try await offLoop { () throws(ControlError) -> WorkerManifest in
            do throws(ManifestError) { return try WorkerManifest.load(folder: folder) } catch {
                throw ControlError(.invalid, "the release is broken: \(error)", hint: "tell its publisher")
            }
        }
        guard manifest.name == worker.name else {
            throw ControlError(
                .invalid, "the release is of a worker called \(manifest.name), not \(worker.name)",
                hint: "tell its publisher")
        }
        return manifest
    }
}
