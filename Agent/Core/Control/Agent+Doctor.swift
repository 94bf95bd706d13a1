package import ControlAPI
import Foundation
import Hosting
import Identity
import Launching
import Mesh
import Storage
import Wire

/// Checks that only the running agent can make.
extension Agent {
    /// Less room than this in the data folder is a warning, in bytes.
    static let smallSpaceBytes: UInt64 = 1_073_741_824

    package func doctor() async throws(ControlError) -> [DoctorFinding] {
        var findings = [self.checkSpace(), self.checkHelper(), await self.checkPolicy()]
        findings.append(await self.checkListening())
        findings.append(await self.checkPeers())
        findings += await self.checkWorkers()
        findings.append(self.checkClock())
        return findings
    }

    private func checkSpace() -> DoctorFinding {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: self.folder.path)
        let free = (attributes?[.systemFreeSize] as? NSNumber)?.uint64Value ?? 0
        let text = "\(free / 1_048_576) MiB are free for \(self.folder.path)"
        guard free < Self.smallSpaceBytes else {
            return DoctorFinding(check: "disk space", severity: .ok, message: text)
        }
        return DoctorFinding(
            check: "disk space", severity: .warning, message: text, hint: "free some, or move the data folder")
    }

    private func checkHelper() -> DoctorFinding {
        let path = self.configuration.jailHelper ?? JailLauncher.pathBesideExecutable()
        guard FileManager.default.isExecutableFile(atPath: path) else {
            return DoctorFinding(
                check: "jail helper", severity: .failure, message: "\(path) is missing or cannot be executed",
                hint: "install dsmp-jail beside dsmp; without it no worker's process starts")
        }
        return DoctorFinding(check: "jail helper", severity: .ok, message: path)
    }

    private func checkPolicy() async -> DoctorFinding {
        do throws(ControlError) {
            _ = try await self.operatorPolicy()
            return DoctorFinding(check: "policy.yaml", severity: .ok, message: "it is well formed, or absent")
        } catch {
            return DoctorFinding(
                check: "policy.yaml", severity: .failure, message: error.message, hint: error.hint)
        }
    }

    private func checkListening() async -> DoctorFinding {
        let addresses = await self.network.ownAddresses()
        guard addresses.isEmpty else {
            return DoctorFinding(
                check: "listening", severity: .ok, message: addresses.map(\.description).joined(separator: ", "))
        }
        return DoctorFinding(
            check: "listening", severity: .warning, message: "no peer can dial this agent",
            hint: "start it with --listen MULTIADDR")
    }

    private func checkPeers() async -> DoctorFinding {
        let count = Set(await self.network.connections().map(\.peer)).count
        guard count == 0 else {
            return DoctorFinding(check: "peers", severity: .ok, message: "\(count) connected")
        }
        let isAlone = self.configuration.bootstrapAddresses.isEmpty
        return DoctorFinding(
            check: "peers", severity: isAlone ? .warning : .failure, message: "no peer is connected",
            hint: isAlone ? "join a mesh with --bootstrap MULTIADDR" : "check the bootstrap addresses and the network")
    }

    private func checkWorkers() async -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        for worker in self.localWorkers {
            let summary = await self.summary(ofLocal: worker)
            guard let summary, let reason = summary.reason else { continue }
            findings.append(
                DoctorFinding(
                    check: "worker \(worker.name)", severity: summary.state == .failed ? .failure : .warning,
                    message: reason, hint: "see `dsmp worker logs \(worker.name)`"))
        }
        for (worker, guest) in self.guests.sorted(by: { $0.key < $1.key })
        where !guest.grant.isValid(unixMilliseconds: self.now) {
            findings.append(
                DoctorFinding(
                    check: "worker \(worker.name)", severity: .warning, message: "its host grant has expired",
                    hint: "ask its publisher for a new one, then `dsmp worker host \(worker)`"))
        }
        let running = await self.workerHost.statuses().count { $0.state == .ready }
        return findings + [DoctorFinding(check: "workers", severity: .ok, message: "\(running) run")]
    }

    /// Records issued in the future show a clock that is behind; our own are signed by the same clock.
    private func checkClock() -> DoctorFinding {
        let newest = self.own.values.map(\.descriptor.content.issued).max() ?? 0
        guard newest > self.now + RecordTime.toleranceMilliseconds else {
            return DoctorFinding(check: "clock", severity: .ok, message: "it agrees with the records kept")
        }
        return DoctorFinding(
            check: "clock", severity: .failure, message: "the clock is behind the time of own records",
            hint: "set the clock; others refuse records that were issued in the future")
    }
}
