package import ControlAPI
import Hosting
import Identity
import Mesh
import Storage
import Wire

/// Showing workers.
extension Agent {
    package func workers() async throws(ControlError) -> [WorkerSummary] {
        var summaries: [WorkerSummary] = []
        for worker in self.localWorkers {
            if let summary = await self.summary(ofLocal: worker) { summaries.append(summary) }
        }
        return summaries
    }

    package func worker(_ request: WorkerReference) async throws(ControlError) -> WorkerDetail {
        let worker = try self.resolve(request.worker)
        let local = await self.summary(ofLocal: worker)
        let descriptor: WorkerDescriptor
        if let entry = self.entry(of: worker) {
            descriptor = entry.descriptor.content
            await self.discover(worker)
        } else if let found = await self.newestDescriptor(of: worker), !found.content.isWithdrawn {
            descriptor = found.content
        } else {
            throw .noSuchWorker(request.worker)
        }
        var hosts = self.known.validGrants(of: worker, unixMilliseconds: self.now).map(\.content.host)
        hosts.removeAll { $0 == self.peerID }
        if local?.state == .running { hosts.append(self.peerID) }
        let grants = self.own[worker.name].flatMap { $0.worker == worker ? $0.grants : nil } ?? []
        return WorkerDetail(
            worker: worker.description, publisher: worker.publisher.description, kind: descriptor.kind.description,
            summary: descriptor.summary, methods: descriptor.methods.map(\.name), tags: descriptor.tags,
            visibility: descriptor.visibility == .private ? .private : .public,
            release: descriptor.release.cid.description, sequence: descriptor.sequence,
            expiresUnixMilliseconds: descriptor.expires, hosts: hosts.sorted().map(\.description),
            grants: grants.filter { !$0.isRevoked }.map { GrantSummary(worker, $0) }, local: local)
    }

    package func logs(_ request: LogsRequest) async throws(ControlError) -> LogPage {
        let worker = try self.resolve(request.worker)
        let limit = min(max(0, request.lines), LogsRequest.lineLimit)
        let lines: [String]
        do throws(HostingError) {
            lines = try await self.workerHost.logs(
                worker, lines: request.after == nil ? limit : LogsRequest.lineLimit)
        } catch {
            throw ControlError(
                .notFound, "\(worker.name) does not run here", hint: "`dsmp worker list` shows what does")
        }
        let numbered = LogNumbering.number(lines)
        guard let after = request.after else { return LogPage(lines: numbered) }
        return LogPage(lines: Array(numbered.filter { $0.number > after }.prefix(limit)))
    }

    // MARK: Summaries

    /// A worker that is published or hosted here; nil for every other.
    func summary(ofLocal worker: WorkerName) async -> WorkerSummary? {
        if worker.publisher == self.peerID, let own = self.own[worker.name] { return await self.summary(of: own) }
        if let guest = self.guests[worker] { return await self.summary(of: guest) }
        return nil
    }

    func summary(of own: OwnWorker) async -> WorkerSummary {
        await self.summary(own.descriptor.content, isOwn: true, problem: own.problem)
    }

    func summary(of guest: GuestWorker) async -> WorkerSummary {
        await self.summary(guest.descriptor.content, isOwn: false, problem: guest.problem)
    }

    private func summary(
        _ descriptor: WorkerDescriptor, isOwn: Bool, problem: String?
    ) async -> WorkerSummary {
        let status = await self.workerHost.status(descriptor.worker)
        let state: WorkerState =
            switch status?.state {
            case .created, .starting: .starting
            case .ready: .running
            case .backoff: .backingOff
            case .stopping, .stopped: .stopped
            case .failed, nil: .failed
            }
        let reason = status.map(\.reason) ?? problem ?? "it does not run"
        return WorkerSummary(
            worker: descriptor.worker.description, kind: descriptor.kind.description,
            visibility: descriptor.visibility == .private ? .private : .public, state: state, published: isOwn,
            release: descriptor.release.cid.description,
            restarts: UInt64(status?.instances.reduce(0) { $0 + $1.restartCount } ?? 0),
            reason: reason.isEmpty ? nil : reason)
    }
}

/// Numbers the lines of a log by their time, so that a number stays true when the log is moved aside.
enum LogNumbering {
    /// The most lines of one millisecond that get numbers of their own.
    static let linesPerMillisecond: UInt64 = 1_024

    /// `lines` start with the wall time in milliseconds and a space, oldest first.
    static func number(_ lines: [String]) -> [LogLine] {
        var last: UInt64 = 0
        return lines.compactMap { line in
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let time = UInt64(parts[0]), time < 1 << 43 else { return nil }
            last = max(last + 1, time * self.linesPerMillisecond)
            return LogLine(number: last, unixMilliseconds: time, text: String(parts[1]))
        }
    }
}
