import ControlAPI
import ControlClient
import Foundation
import Glibc

/// A number of agents on loopback, each a process with a data folder of its own below `<data>/devnet/`.
struct Devnet {
    static let agentLimit = 64
    /// How long an agent may take to stop by itself, in milliseconds.
    static let stopMilliseconds: Int32 = 10_000
    /// How long to pause between two looks at an agent that starts.
    static let pause = Duration.milliseconds(50)

    /// `<data>/devnet`.
    let folder: String
    private var stateFile: String { self.folder + "/devnet.json" }

    /// - Parameter base: the folder that `--data` names.
    init(base: String) {
        self.folder = base + "/devnet"
    }

    /// Starts the agents and returns when all are connected to the first.
    ///
    /// - Throws: `conflict` when a devnet runs already, `failed` or `timeout` with the end of an agent's log.
    func up(
        number: Int, opensAPI: Bool, faults: [DevnetFault], timeout: Duration
    ) async throws(ControlError) -> [DevnetMember] {
        if try self.members().contains(where: { $0.process.isRunning }) {
            throw ControlError(
                .conflict, "a devnet is running in \(self.folder)", hint: "stop it with `dsmp devnet down`")
        }
        guard let program = OwnExecutable.path else { throw ControlError(.internal, "/proc is not mounted") }
        try self.makeFolders(number)
        let deadline = ContinuousClock.now + timeout
        var members: [DevnetMember] = []
        do throws(ControlError) {
            for index in 0..<number {
                let arguments = self.arguments(index, opensAPI: opensAPI, bootstrap: members.first?.addresses.first)
                let data = self.data(index)
                let process = try DetachedProcess.start(program, arguments, log: data + "/agent.log")
                members.append(
                    DevnetMember(
                        index: index, data: data, peerID: "", addresses: [], api: nil, pid: process.pid,
                        startTicks: process.startTicks, state: "starting",
                        fault: faults.first { $0.index == index }?.kind))
                try self.save(members)
                // The others need the address of the first; they start side by side.
                if index == 0 { try await self.settle(&members[0], peers: 0, before: deadline) }
            }
            for index in members.indices.dropFirst() {
                try await self.settle(&members[index], peers: 1, before: deadline)
            }
            try await self.settle(&members[0], peers: number - 1, before: deadline)
            for index in members.indices { Self.inject(&members[index]) }
            try self.save(members)
            return members
        } catch {
            for member in members { _ = member.process.end(patienceMilliseconds: 1_000) }
            throw error
        }
    }

    /// Stops every agent.
    ///
    /// - Returns: how many were running.
    func down(keepsData: Bool) async throws(ControlError) -> Int {
        let processes = try self.members().map(\.process).filter(\.isRunning)
        for process in processes { process.send(SIGTERM) }  // All at once; then each is waited for.
        for process in processes { _ = process.end(patienceMilliseconds: Self.stopMilliseconds) }
        let stopped = processes.count
        let doomed = keepsData ? self.stateFile : self.folder
        do {
            try FileManager.default.removeItem(atPath: doomed)
        } catch let error as CocoaError where error.code == .fileNoSuchFile {
            // There never was one.
        } catch {
            throw ControlError(.failed, "\(doomed) cannot be removed: \(error.localizedDescription)")
        }
        return stopped
    }

    /// The agents as they are now.
    func status() async throws(ControlError) -> [DevnetMember] {
        var members = try self.members()
        for index in members.indices {
            let member = members[index]
            guard member.process.isRunning else {
                members[index].state = member.fault == .crash ? "crashed" : "gone"
                continue
            }
            if member.fault == .freeze {
                members[index].state = "frozen"
                continue
            }
            let isAnswering =
                (try? await ControlClient(dataFolder: member.data).ask(.status, as: AgentStatus.self)) != nil
            members[index].state = isAnswering ? "running" : "not answering"
        }
        return members
    }

    /// The arguments of one agent.
    func arguments(_ index: Int, opensAPI: Bool, bootstrap: String?) -> [String] {
        var arguments = ["agent", "run", "--data", self.data(index), "--listen", "/ip4/127.0.0.1/tcp/0"]
        if let bootstrap { arguments += ["--bootstrap", bootstrap] }
        if opensAPI { arguments += ["--api", "127.0.0.1:0"] }
        return arguments
    }

    private func data(_ index: Int) -> String { "\(self.folder)/\(index)" }

    private static func inject(_ member: inout DevnetMember) {
        switch member.fault {
        case .crash:
            member.process.send(SIGKILL)
            member.state = "crashed"
        case .freeze:
            member.process.send(SIGSTOP)
            member.state = "frozen"
        case nil: break
        }
    }
}

extension Devnet {
    /// Waits until an agent is ready and has so many peers, and fills in what it says of itself.
    private func settle(_ member: inout DevnetMember, peers: Int, before deadline: ContinuousClock.Instant)
        async throws(ControlError)
    {
        let client = ControlClient(dataFolder: member.data)
        while true {
            if let status = try? await client.ask(.status, as: AgentStatus.self), status.ready, status.peers >= peers {
                member.peerID = status.peerID
                member.addresses = status.addresses
                member.api = status.api
                member.state = "running"
                return
            }
            let log = self.logEnd(member)
            guard member.process.isRunning else {
                throw ControlError(.failed, "agent \(member.index) ended: \(log)", hint: "see \(member.data)/agent.log")
            }
            guard ContinuousClock.now < deadline else {
                throw ControlError(
                    .timeout, "agent \(member.index) was not connected in time: \(log)",
                    hint: "see \(member.data)/agent.log, or allow more with --timeout")
            }
            do { try await Task.sleep(for: Self.pause) } catch { throw ControlError(.cancelled, "interrupted") }
        }
    }

    private func logEnd(_ member: DevnetMember) -> String {
        let lines = SmallFile.text(member.data + "/agent.log")?.split(separator: "\n").suffix(3) ?? []
        return lines.isEmpty ? "it wrote no log" : lines.joined(separator: " / ")
    }

    private func makeFolders(_ number: Int) throws(ControlError) {
        var made = ""
        for part in self.folder.split(separator: "/") {
            made += "/" + part
            try Self.make(made)
        }
        for index in 0..<number { try Self.make(self.data(index)) }
    }

    private static func make(_ path: String) throws(ControlError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw ControlError(
                .failed, "\(path) cannot be made: \(String(cString: strerror(errno)))", hint: "choose another --data")
        }
    }

    /// What was started last; none when there is no devnet.
    private func members() throws(ControlError) -> [DevnetMember] {
        guard let text = SmallFile.text(self.stateFile) else {
            guard access(self.stateFile, F_OK) == 0 else { return [] }
            throw ControlError(
                .invalid, "\(self.stateFile) cannot be read", hint: "end the agents by hand and remove it")
        }
        do {
            return try JSONDecoder().decode([DevnetMember].self, from: Data(text.utf8))
        } catch {
            throw ControlError(.invalid, "\(self.stateFile) is damaged", hint: "end the agents by hand and remove it")
        }
    }

    /// Kept after each start, so that `down` finds them also when `up` is interrupted.
    private func save(_ members: [DevnetMember]) throws(ControlError) {
        do {
            try ControlJSON.encode(members).write(to: URL(filePath: self.stateFile), options: .atomic)
        } catch {
            throw ControlError(.failed, "\(self.stateFile) cannot be written: \(error)", hint: "check the disk")
        }
    }
}

extension DevnetMember {
    var process: DetachedProcess { DetachedProcess(pid: self.pid, startTicks: self.startTicks) }
}
