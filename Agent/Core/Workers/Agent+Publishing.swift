package import ControlAPI
import Foundation
import Hosting
import Identity
import Logging
import Mesh
import Storage
import Wire

/// Publishing: pack, start, sign, keep, announce, in this order, so that nobody finds what does not run.
extension Agent {
    package func publish(_ request: PublishRequest) async throws(ControlError) -> PublishedWorker {
        let folder = request.folder
        let (manifest, manifestBytes) = try await offLoop { () throws(ControlError) in
            try Self.manifest(in: folder)
        }
        return try await self.exclusively(self.ownName(manifest.name).description) { agent async throws(ControlError) in
            try await agent.publishAlone(request, manifest, manifestBytes)
        }
    }

    private func publishAlone(
        _ request: PublishRequest, _ manifest: WorkerManifest, _ manifestBytes: [UInt8]
    ) async throws(ControlError) -> PublishedWorker {
        var manifest = manifest
        let folder = request.folder
        if let visibility = request.visibility { manifest.visibility = visibility == .private ? .private : .public }
        let archive = try await self.pack(folder)
        let worker = try self.ownName(manifest.name)
        let old = self.own[manifest.name]
        if request.trustLibrary == true { try await self.trustLibrary(manifest, release: archive.cid) }
        // The descriptor is made before anything stops: a manifest that cannot be published changes nothing.
        let group = try await self.group(for: worker, manifest, old: old)
        let signed = try await self.sign(manifest, archive, floor: old?.descriptor.content.grantFloor ?? 0)
        do throws(ControlError) {
            try await self.run(worker, manifest, release: archive.cid)
        } catch {
            if let old { _ = await self.resume(worker, old.manifest, release: old.descriptor.content.release.cid) }
            throw error
        }
        var next = OwnWorker(
            worker: worker, manifest: manifest, manifestBytes: manifestBytes, folder: folder,
            descriptor: signed.descriptor, grant: signed.grant, grants: old?.grants ?? [], group: group)
        if old == nil { next.grants = try await self.keptGrants(of: manifest.name) }
        let renewed = try await self.regrant(&next)
        try await self.keep(next)
        self.own[manifest.name] = next
        self.enterGate(next)
        if let old { await self.replaceAnnouncement(of: old, by: next) }
        await self.announce(next)
        self.offer(renewed, of: next)
        self.logger.info("published \(self.logName(of: worker)) at sequence \(next.descriptor.content.sequence)")
        return PublishedWorker(
            worker: worker.description, release: archive.cid.description,
            sequence: next.descriptor.content.sequence, visibility: manifest.visibility == .private ? .private : .public
        )
    }

    package func unpublish(_ request: WorkerReference) async throws(ControlError) -> WorkerSummary {
        let worker = try self.resolve(request.worker)
        return try await self.exclusively(worker.description) { agent async throws(ControlError) in
            guard worker.publisher == agent.peerID else { return try await agent.endHosting(worker) }
            return try await agent.unpublishAlone(worker)
        }
    }

    private func unpublishAlone(_ worker: WorkerName) async throws(ControlError) -> WorkerSummary {
        guard let own = self.own[worker.name] else { throw .noSuchWorker(worker.description) }
        // The number is kept before the record is seen; the worker is forgotten before it stops, so that a crash in
        // between does not start it again.
        let sequence = try await self.nextSequence("descriptor/\(worker.name)")
        do throws(StorageError) {
            try await self.store.removePublishedWorker(worker.name)
        } catch { throw ControlError(error) }
        self.own[worker.name] = nil
        self.gate.remove(worker)
        self.known.forget(worker)
        await self.withdraw(own, sequence: sequence)
        var summary = await self.summary(of: own)
        _ = try? await self.workerHost.remove(worker)
        summary.state = .stopped
        return summary
    }

    // MARK: Making the records

    private static func manifest(in folder: String) throws(ControlError) -> (WorkerManifest, [UInt8]) {
        do throws(ManifestError) {
            let manifest = try WorkerManifest.load(folder: folder)
            let path = folder + "/" + ManifestLimits.fileName
            return (manifest, [UInt8](FileManager.default.contents(atPath: path) ?? Data()))
        } catch {
            throw ControlError(
                .invalid, error.description, hint: "`dsmp worker check \(folder)` shows everything that is wrong")
        }
    }

    /// Packs and installs a folder, and keeps the archive for other hosts.
    private func pack(_ folder: String) async throws(ControlError) -> ReleaseArchive {
        let (releases, archives) = (self.releases, self.archives)
        return try await offLoop { () throws(ControlError) in
            do {
                let packing = archives.packingPath()
                let packed = try releases.install(folder: folder, keepingArchiveAt: packing)
                try archives.keep(packing, as: packed.cid)
                return packed
            } catch {
                throw ControlError(.invalid, "\(error)")
            }
        }
    }

    private func ownName(_ name: String) throws(ControlError) -> WorkerName {
        do { return try WorkerName(publisher: self.peerID, name: name) } catch {
            throw ControlError(.invalid, "\(error)")
        }
    }

    /// Signs the descriptor of a release, and this agent's grant to itself.
    private func sign(
        _ manifest: WorkerManifest, _ archive: ReleaseArchive, floor: UInt64
    ) async throws(ControlError) -> (descriptor: SignedRecord<WorkerDescriptor>, grant: SignedRecord<HostGrant>) {
        let release = WorkerDescriptor.Release(
            version: manifest.release.description, cid: archive.cid, archiveBytes: archive.byteCount)
        let descriptor = try self.draft(manifest, release, floor: floor)
        return try await self.sign(descriptor)
    }

    /// Signs a descriptor anew, with a higher sequence and a later end, and this agent's grant to itself.
    func sign(
        _ draft: WorkerDescriptor
    ) async throws(ControlError) -> (descriptor: SignedRecord<WorkerDescriptor>, grant: SignedRecord<HostGrant>) {
        let name = draft.worker.name
        var descriptor = draft
        descriptor.sequence = try await self.nextSequence("descriptor/\(name)")
        descriptor.issued = self.now
        descriptor.expires = descriptor.issued + self.configuration.times.descriptorLifetime
        let grant = HostGrant(
            worker: draft.worker, host: self.peerID, release: draft.release.cid,
            sequence: try await self.nextSequence("grant/\(name)"), issued: descriptor.issued,
            expires: descriptor.issued + self.configuration.times.ownGrantLifetime)
        do throws(RecordRefusal) {
            return (
                try SignedRecord(signing: descriptor, with: self.key), try SignedRecord(signing: grant, with: self.key)
            )
        } catch { throw ControlError(error) }
    }

    /// What a manifest says, as a descriptor without times. Texts for people are cut to what fits.
    private func draft(
        _ manifest: WorkerManifest, _ release: WorkerDescriptor.Release, floor: UInt64
    ) throws(ControlError) -> WorkerDescriptor {
        let kind: WorkerDescriptor.Kind =
            switch manifest.kind {
            case .library: .library
            case .subprocess: .subprocess
            case .exec: .exec
            }
        func text(_ text: String, _ limit: Int) -> String {
            WorkerText.cut(WorkerText.printable(text.replacing("\n", with: " ")), to: limit)
        }
        var draft = WorkerDescriptor(
            worker: try self.ownName(manifest.name), kind: kind, release: release,
            methods: manifest.methods.map {
                .init(
                    name: $0.name, summary: text($0.description, WorkerText.methodSummaryBytes),
                    isIdempotent: $0.isIdempotent)
            },
            tags: manifest.tags, visibility: manifest.visibility == .private ? .private : .public,
            summary: text(manifest.description, WorkerText.summaryBytes), grantFloor: floor, sequence: 0, issued: 0,
            expires: 1)
        // Names count, summaries are for comfort: without them every manifest's methods fit.
        if draft.payload.count > WorkerDescriptor.maximumEnvelopeBytes - 256 {
            for index in draft.methods.indices { draft.methods[index].summary = "" }
        }
        return draft
    }

    /// Keeps a published worker as it is now.
    func keep(_ own: OwnWorker) async throws(ControlError) {
        let kept = StoredPublishedWorker(
            name: own.worker.name, manifest: own.manifestBytes, release: own.descriptor.content.release.cid.description,
            descriptor: own.descriptor.envelope, sequence: own.descriptor.content.sequence, isPrivate: own.isPrivate,
            folder: own.folder)
        do throws(StorageError) {
            try await self.store.keepPublishedWorker(kept)
        } catch { throw ControlError(error) }
    }

    /// The next sequence of something that this agent signs, kept before it is used. At least the time, so that a
    /// restored backup does not go back (Specs/records.md, section 2).
    func nextSequence(_ counter: String) async throws(ControlError) -> UInt64 {
        do throws(StorageError) {
            return try await self.store.nextSequence(counter, atLeast: self.now)
        } catch { throw ControlError(error) }
    }
}

extension ControlError {
    /// No such worker, or none that this agent may know of.
    static func noSuchWorker(_ name: String) -> ControlError {
        ControlError(.notFound, "there is no worker \(name)", hint: "see what there is with `dsmp find`")
    }
}
