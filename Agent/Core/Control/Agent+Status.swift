package import ControlAPI
import Foundation
import Hosting
import Identity
import Libuv
import Mesh
import Storage
import Wire

/// What the agent says about itself.
extension Agent {
    package func status() async throws(ControlError) -> AgentStatus {
        AgentStatus(
            peerID: self.peerID.description, addresses: await self.network.ownAddresses().map(\.description),
            version: self.configuration.agentVersion,
            uptimeSeconds: (MonotonicClock.nowMilliseconds - self.startedMilliseconds) / 1_000,
            peers: Set(await self.network.connections().map(\.peer)).count, workers: await self.runningCount(),
            api: self.apiAddress, ready: await self.network.isReady() && !self.isStopping,
            dataFolder: self.folder.path, processID: ProcessInfo.processInfo.processIdentifier)
    }

    package func counters() async throws(ControlError) -> AgentCounters {
        let restarts = await self.workerHost.statuses().flatMap(\.instances).reduce(0) { $0 + $1.restartCount }
        return AgentCounters(
            uptimeSeconds: (MonotonicClock.nowMilliseconds - self.startedMilliseconds) / 1_000,
            connectedPeers: Set(await self.network.connections().map(\.peer)).count,
            runningWorkers: await self.runningCount(), callsServed: self.counters.served,
            callsServedFailed: self.counters.servedFailed, callsMade: self.counters.made,
            callsMadeFailed: self.counters.madeFailed, workerRestarts: UInt64(restarts))
    }

    package func limits() async throws(ControlError) -> [LimitReport] {
        var limits = await self.network.limits().map {
            LimitReport(name: $0.name, unit: $0.unit, limit: $0.limit, used: $0.used)
        }
        limits += InboundStreams.Kind.allCases.flatMap { kind in
            [
                LimitReport(
                    name: kind.name, unit: "streams", limit: UInt64(kind.total), used: UInt64(self.inbound.count(kind))),
                LimitReport(name: "\(kind.name), of one peer", unit: "streams", limit: UInt64(kind.perPeer)),
            ]
        }
        limits += [
            LimitReport(
                name: "workers", unit: "workers", limit: UInt64(WorkerHost.maximumWorkerCount),
                used: UInt64(self.localWorkers.count)),
            LimitReport(
                name: "private workers hosted", unit: "workers", limit: UInt64(MembershipGate.maximumWorkers)),
            LimitReport(name: "members of a private worker", unit: "peers", limit: UInt64(PrivateGroup.maximumMembers)),
            LimitReport(name: "message of a call", unit: "bytes", limit: UInt64(CallLimits.messageBytes)),
            LimitReport(name: "header of a call", unit: "bytes", limit: UInt64(CallLimits.headerBytes)),
            LimitReport(
                name: "deadline of a call", unit: "milliseconds", limit: UInt64(CallLimits.deadlineMilliseconds)),
            LimitReport(
                name: "input kept for another host", unit: "bytes", limit: UInt64(FailoverCall.replayBytes)),
            LimitReport(name: "hosts tried by a call", unit: "hosts", limit: UInt64(FailoverCall.maximumAttempts)),
            LimitReport(name: "release archive", unit: "bytes", limit: WorkerDescriptor.maximumArchiveBytes),
            LimitReport(
                name: "worker descriptor", unit: "bytes", limit: UInt64(WorkerDescriptor.maximumEnvelopeBytes)),
            LimitReport(
                name: "subscriptions to a worker", unit: "subscriptions", limit: UInt64(Self.maximumSubscriptions)),
        ]
        return limits
    }

    private func runningCount() async -> Int {
        await self.workerHost.statuses().count { $0.state == .ready }
    }
}
