import ControlAPI
import Hosting
import Identity
import Libuv
import Logging
import Mesh
import Wire

/// Fetching releases from the publisher or any host (Specs/blocks.md).
extension Agent {
    /// The most hosts that are asked for one release.
    static let maximumSources = 16

    /// Makes a release be installed here, fetching it when it is not.
    ///
    /// - Throws: ``ControlErrorCode/unreachable`` when nobody has it, ``ControlErrorCode/invalid`` when what they have is
    ///   not what the publisher signed.
    func fetch(
        _ release: WorkerDescriptor.Release, of worker: WorkerName, grant: SignedRecord<HostGrant>
    ) async throws(ControlError) {
        guard !self.releases.contains(release.cid) else { return }
        let query = BlockQuery(cid: release.cid, grant: grant.envelope)
        var problems: [String] = []
        // First in turn, each going on where the one before broke; when that does not verify, each alone.
        for isAlone in [false, true] {
            let path = self.archives.partialPath(of: release.cid)
            let download: ArchiveDownload
            do throws(ArchiveError) {
                download = try await ArchiveDownload.open(path, size: release.archiveBytes)
            } catch { throw ControlError(.exhausted, error.description, hint: "free some space and try again") }
            for source in await self.sources(of: release.cid, worker) {
                do {
                    if isAlone { try await download.restart() }
                    try await self.transfer(query, from: source, into: download)
                } catch {
                    problems.append("\(source): \(error)")
                }
                guard download.isComplete else { continue }
                do throws(ControlError) {
                    return try await self.installFetched(release.cid, from: path)
                } catch {
                    problems.append("\(source): \(error)")
                    try? await download.restart()
                    guard isAlone else { break }
                }
            }
        }
        throw ControlError(
            .unreachable, "the release \(release.cid) could not be fetched",
            hint: problems.isEmpty ? "nobody is known to have it" : problems.prefix(4).joined(separator: "; "))
    }

    private func installFetched(_ cid: CID, from path: String) async throws(ControlError) {
        let (releases, archives) = (self.releases, self.archives)
        try await offLoop { () throws(ControlError) in
            do {
                try releases.install(archive: path, expecting: cid)
                try archives.keep(path, as: cid)
            } catch {
                throw ControlError(.invalid, "\(error)")
            }
        }
    }

    /// Who may have a release: its publisher, the hosts that are known, and whoever says that it provides it.
    private func sources(of cid: CID, _ worker: WorkerName) async -> [PeerID] {
        var sources = [worker.publisher]
        sources += self.known.validGrants(of: worker, unixMilliseconds: self.now).map(\.content.host)
        let key = self.memberships[worker]?.hostsKey(of: worker) ?? cid.multihash.bytes
        do throws(NetworkError) {
            sources += try await self.network.providers(key: key, limit: Self.maximumSources).map(\.peer)
        } catch {
            self.logger.debug("providers of a release could not be looked up: \(error)")
        }
        var unique: [PeerID] = []
        for source in sources where source != self.peerID && !unique.contains(source) { unique.append(source) }
        return Array(unique.prefix(Self.maximumSources))
    }

    private func transfer(_ query: BlockQuery, from source: PeerID, into download: ArchiveDownload) async throws {
        let offset = download.receivedByteCount
        let stream = try await self.network.openStream(to: source, protocolID: MeshProtocol.block)
        let watchdog = StreamGuard(stream, on: self.loop, milliseconds: BlockServing.idleMilliseconds)
        defer {
            watchdog.end()
            stream.reset()  // Does nothing to a stream that both sides have finished.
        }
        try await stream.writeMessage(BlockQuery(cid: query.cid, offset: offset, grant: query.grant).payload)
        try await stream.finishWriting()
        var reader = MessageReader(stream)
        let header = try BlockHeader(payload: try await reader.message(limit: BlockHeader.maximumBytes))
        guard case .content(let size) = header else { throw NetworkError.closed("it does not have the release") }
        guard size == download.size else { throw NetworkError.malformed("it has a release of another size") }
        while !download.isComplete, let bytes = try await reader.bytes() {
            watchdog.touch()
            try await download.append(bytes)
        }
        guard download.isComplete else { throw NetworkError.closed("the transfer broke off") }
    }
}
