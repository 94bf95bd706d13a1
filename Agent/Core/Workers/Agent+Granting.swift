package import ControlAPI
import Foundation
import Identity
import Logging
import Mesh
import Storage
import Wire

/// Letting hosts run, and consumers call, the workers of this agent's key, and taking that back.
extension Agent {
    package func grant(_ request: ControlAPI.GrantRequest) async throws(ControlError) -> GrantSummary {
        let worker = try self.resolve(request.worker)
        return try await self.exclusively(worker.description) { agent async throws(ControlError) in
            var own = try agent.published(worker)
            let peer = try Self.peer(request.peer)
            guard peer != agent.peerID else {
                throw ControlError(.usage, "this agent is the publisher and needs no grant")
            }
            let lifetime = try agent.lifetime(request)
            var grant = StoredGrant(
                worker: own.worker.name, peer: peer.description, role: request.role == .host ? .host : .consumer,
                release: nil, envelope: [], sequence: 0, expiresUnixMilliseconds: agent.now + lifetime)
            switch request.role {
            case .host: grant = try await agent.signed(grant, of: own, host: peer)
            case .consumer:
                guard own.isPrivate else {
                    throw ControlError(
                        .usage, "\(own.worker.name) is public: everybody may call it",
                        hint: "grant it with --role host to let the peer run it")
                }
                grant.sequence = try await agent.nextSequence("slot/\(own.worker.name)")
            }
            if own.isPrivate { try agent.admit(peer, to: &own) }
            own.replace(grant)
            try await agent.keep([grant])
            agent.own[own.worker.name] = own
            if let group = own.group { await agent.writeSlot(of: peer, own.worker, group.secret.payload) }
            if request.role == .host { agent.offer([grant], of: own) }
            return GrantSummary(own.worker, grant)
        }
    }

    package func revoke(_ request: RevokeRequest) async throws(ControlError) -> RevokeSummary {
        let worker = try self.resolve(request.worker)
        return try await self.exclusively(worker.description) { agent async throws(ControlError) in
            var own = try agent.published(worker)
            let peer = try Self.peer(request.peer)
            let taken = own.grants.filter { grant in
                grant.peer == peer.description && !grant.isRevoked
                    && (request.role.map { grant.role.rawValue == $0.rawValue } ?? true)
            }
            guard !taken.isEmpty else {
                throw ControlError(
                    .notFound, "\(peer) has no such grant for \(own.worker.name)",
                    hint: "see the grants with `dsmp worker show \(own.worker.name)`")
            }
            for grant in taken {
                var revoked = grant
                revoked.isRevoked = true
                own.replace(revoked)
            }
            let isStillMember = own.grants.contains { $0.peer == peer.description && !$0.isRevoked }
            let before = own
            var epoch: UInt64?
            if own.isPrivate, !isStillMember { epoch = try await agent.rotate(&own, without: peer) }
            try await agent.keep(own.grants)
            if taken.contains(where: { $0.role == .host }) { try await agent.voidOldGrants(of: &own) }
            agent.own[own.worker.name] = own
            agent.enterGate(own)
            await agent.spread(own, after: before, revoked: isStillMember ? nil : peer)
            return RevokeSummary(
                worker: own.worker.description, peer: peer.description,
                revoked: taken.map { $0.role == .host ? .host : .consumer }, epoch: epoch)
        }
    }

    // MARK: Steps

    private func published(_ worker: WorkerName) throws(ControlError) -> OwnWorker {
        guard worker.publisher == self.peerID else {
            throw ControlError(
                .refused, "only the publisher of \(worker) grants it", hint: "ask its publisher, \(worker.publisher)")
        }
        guard let own = self.own[worker.name] else { throw .noSuchWorker(worker.description) }
        return own
    }

    static func peer(_ text: String) throws(ControlError) -> PeerID {
        do { return try PeerID(text) } catch {
            throw ControlError(
                .usage, "\"\(text.prefix(80))\" is no peer id: \(error)", hint: "`dsmp id show` prints that of an agent"
            )
        }
    }

    private func lifetime(_ request: ControlAPI.GrantRequest) throws(ControlError) -> UInt64 {
        guard let seconds = request.validSeconds else { return self.configuration.times.grantLifetime }
        let (milliseconds, isOver) = seconds.multipliedReportingOverflow(by: 1_000)
        guard seconds > 0, !isOver, milliseconds <= HostGrant.maximumLifetimeMilliseconds else {
            throw ControlError(.usage, "a grant is valid for 1 second to 90 days", hint: "grant it again when it ends")
        }
        return milliseconds
    }

    /// The grant of a host, signed for the present release with a sequence of its own.
    private func signed(
        _ grant: StoredGrant, of own: OwnWorker, host: PeerID
    ) async throws(ControlError) -> StoredGrant {
        var grant = grant
        let content = HostGrant(
            worker: own.worker, host: host, release: own.descriptor.content.release.cid,
            sequence: try await self.nextSequence("grant/\(own.worker.name)"), issued: self.now,
            expires: grant.expiresUnixMilliseconds)
        do throws(RecordRefusal) {
            grant.envelope = try SignedRecord(signing: content, with: self.key).envelope
        } catch { throw ControlError(error) }
        grant.release = content.release.description
        grant.sequence = content.sequence
        return grant
    }

    private func admit(_ peer: PeerID, to own: inout OwnWorker) throws(ControlError) {
        do throws(RecordRefusal) {
            _ = try own.group?.grant(peer)
        } catch { throw ControlError(.invalid, error.description) }
    }

    /// Signs the grants of hosts anew that name another release than the present one; what has expired stays as it is.
    /// Returns the renewed ones, kept.
    func regrant(_ own: inout OwnWorker) async throws(ControlError) -> [StoredGrant] {
        let release = own.descriptor.content.release.cid.description
        var renewed: [StoredGrant] = []
        for grant in own.hostGrants(validAt: self.now) where grant.release != release {
            guard let host = try? PeerID(grant.peer) else { continue }
            renewed.append(try await self.signed(grant, of: own, host: host))
        }
        guard !renewed.isEmpty else { return [] }
        try await self.keep(renewed)
        for grant in renewed { own.replace(grant) }
        return renewed
    }

    /// Grants of hosts that stay are signed anew; every older one is void from now on (Specs/records.md, section 3).
    private func voidOldGrants(of own: inout OwnWorker) async throws(ControlError) {
        let floor = try await self.nextSequence("grant/\(own.worker.name)")
        var renewed: [StoredGrant] = []
        for grant in own.hostGrants(validAt: self.now) {
            guard let host = try? PeerID(grant.peer) else { continue }
            renewed.append(try await self.signed(grant, of: own, host: host))
        }
        try await self.keep(renewed)
        for grant in renewed { own.replace(grant) }
        var draft = own.descriptor.content
        draft.grantFloor = floor
        (own.descriptor, own.grant) = try await self.sign(draft)
        try await self.keep(own)
    }

    /// Begins a new epoch, kept before anybody sees it. Returns its number.
    private func rotate(_ own: inout OwnWorker, without peer: PeerID) async throws(ControlError) -> UInt64? {
        guard var group = own.group else { return nil }
        let entropy = Self.entropy()
        do throws(RecordRefusal) {
            guard try group.revoke(peer, entropy: entropy) else { return group.secret.epoch }
        } catch { throw ControlError(.internal, error.description) }
        do throws(StorageError) {
            try await self.store.rotate(
                StoredGroupSecret(
                    worker: own.worker.name, epoch: group.secret.epoch, secret: entropy.secret,
                    locationSeed: entropy.locationSeed), grants: own.grants)
        } catch { throw ControlError(error) }
        own.group = group
        return group.secret.epoch
    }

    /// Tells the mesh, and the hosts that stay, about a revocation.
    private func spread(_ own: OwnWorker, after before: OwnWorker, revoked: PeerID?) async {
        let hasRotated = own.group?.secret != before.group?.secret
        self.offer(own.hostGrants(validAt: self.now), of: own)
        if hasRotated {
            await self.endAnnouncement(of: before.entry, secret: before.group?.secret)
            await self.bury(before)
            if let revoked, let epoch = own.group?.secret.epoch {
                await self.writeSlot(of: revoked, own.worker, GroupSecret.emptyPayload(epoch: epoch))
            }
        }
        await self.announce(own)
    }

    private func keep(_ grants: [StoredGrant]) async throws(ControlError) {
        do throws(StorageError) { try await self.store.keepGrants(grants) } catch { throw ControlError(error) }
    }

    /// What was granted for a worker of this name, also before an earlier `unpublish`.
    func keptGrants(of name: String) async throws(ControlError) -> [StoredGrant] {
        do throws(StorageError) { return try await self.store.grants(of: name) } catch { throw ControlError(error) }
    }

    /// Gives hosts their newer bundles, in the background: they may be away, and then ask when they are back.
    func offer(_ grants: [StoredGrant], of own: OwnWorker) {
        for grant in grants where grant.role == .host {
            guard let host = try? PeerID(grant.peer), let bundle = self.bundle(of: own, grant) else { continue }
            self.inBackground { agent in
                do throws(NetworkError) {
                    _ = try await agent.ask(
                        host, MeshProtocol.grant, GrantQuery.put(bundle).payload, limit: GrantQuery.maximumBytes)
                } catch {
                    agent.logger.debug("a host did not take its new grant: \(error)")
                }
            }
        }
    }

    /// What a host needs; nil when what is kept does not verify.
    func bundle(of own: OwnWorker, _ grant: StoredGrant) -> GrantBundle? {
        guard let record = try? SignedRecord<HostGrant>(verifying: grant.envelope) else { return nil }
        return GrantBundle(descriptor: own.descriptor, grant: record, secret: own.group?.secret)
    }
}

extension OwnWorker {
    /// Puts a grant in the place of the one for its peer and role.
    mutating func replace(_ grant: StoredGrant) {
        if let index = self.grants.firstIndex(where: { $0.peer == grant.peer && $0.role == grant.role }) {
            self.grants[index] = grant
        } else {
            self.grants.append(grant)
        }
    }

    /// The grants of hosts that count at a time.
    func hostGrants(validAt unixMilliseconds: UInt64) -> [StoredGrant] {
        self.grants.filter {
            $0.role == .host && !$0.isRevoked && $0.expiresUnixMilliseconds > unixMilliseconds
        }
    }
}

extension GrantSummary {
    init(_ worker: WorkerName, _ grant: StoredGrant) {
        self.init(
            worker: worker.description, peer: grant.peer, role: grant.role == .host ? .host : .consumer,
            release: grant.release, expiresUnixMilliseconds: grant.expiresUnixMilliseconds,
            grant: grant.envelope.isEmpty ? nil : Data(grant.envelope).base64EncodedString())
    }
}
