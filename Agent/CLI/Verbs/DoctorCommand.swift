import ArgumentParser
import ControlAPI
import ControlClient
import Glibc

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look for what is wrong on this machine and with the agent.",
        discussion: "dsmp doctor        # exit status 1 when something does not work")

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var findings = LocalChecks(folder: self.agent.folder).findings
        findings += await self.agentFindings()
        try Printer.print(findings, json: self.output.json) {
            var table = TextTable("", "CHECK", "FOUND")
            for finding in findings {
                let mark =
                    switch finding.severity {
                    case .ok: "ok"
                    case .warning: "warn"
                    case .failure: "FAIL"
                    }
                table.add(mark, finding.check, finding.message)
                if !finding.hint.isEmpty { table.add("", "", "-> " + finding.hint) }
            }
            return table.text(ifEmpty: "")
        }
        if findings.contains(where: { $0.severity == .failure }) { throw ExitCode(1) }
    }

    /// What the running agent says; one finding when there is none.
    private func agentFindings() async -> [DoctorFinding] {
        do throws(ControlError) {
            return [DoctorFinding(check: "agent", severity: .ok, message: "it answers on its control socket")]
                + (try await self.agent.client.ask(.doctor, as: [DoctorFinding].self))
        } catch {
            return [
                DoctorFinding(
                    check: "agent", severity: error.code == .unreachable ? .warning : .failure, message: error.message,
                    hint: error.hint)
            ]
        }
    }
}

/// What can be seen without the agent.
struct LocalChecks {
    /// Below this much free space, in bytes, the data folder is in danger.
    static let freeBytes: UInt64 = 268_435_456
    /// Fewer open files than this are too few for a busy agent.
    static let openFiles: UInt64 = 4_096

    var folder: String

    var findings: [DoctorFinding] {
        var findings = [self.dataFolder]
        for name in ["identity.key", "api.token"] { if let finding = self.secret(name) { findings.append(finding) } }
        findings += [self.freeSpace, self.helper, self.namespaces, self.descriptors]
        return findings
    }

    private var dataFolder: DoctorFinding {
        var status = stat()
        guard stat(self.folder, &status) == 0 else {
            return DoctorFinding(
                check: "data folder", severity: .warning, message: "\(self.folder) is not there yet",
                hint: "`dsmp agent run` makes it")
        }
        guard status.st_mode & 0o077 == 0 else {
            return DoctorFinding(
                check: "data folder", severity: .failure, message: "\(self.folder) is open to others",
                hint: "run `chmod 700 \(self.folder)`")
        }
        return DoctorFinding(check: "data folder", severity: .ok, message: self.folder)
    }

    private func secret(_ name: String) -> DoctorFinding? {
        var status = stat()
        guard lstat(self.folder + "/" + name, &status) == 0 else { return nil }
        guard status.st_mode & 0o077 == 0 else {
            return DoctorFinding(
                check: name, severity: .failure, message: "others can read it",
                hint: "run `chmod 600 \(self.folder)/\(name)`; make a new one if somebody may have read it")
        }
        return DoctorFinding(check: name, severity: .ok, message: "only its owner can read it")
    }

    private var freeSpace: DoctorFinding {
        var status = statvfs()
        guard statvfs(self.folder, &status) == 0 || statvfs("/", &status) == 0 else {
            return DoctorFinding(check: "free space", severity: .warning, message: "it cannot be read")
        }
        let (free, overflows) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        let text = Amounts.bytes(overflows ? .max : Int(clamping: free)) + " free"
        guard free >= Self.freeBytes || overflows else {
            return DoctorFinding(
                check: "free space", severity: .failure, message: text, hint: "free some, or choose another --data")
        }
        return DoctorFinding(check: "free space", severity: .ok, message: text)
    }

    private var helper: DoctorFinding {
        let path = OwnExecutable.folder + "/dsmp-jail"
        guard access(path, X_OK) == 0 else {
            return DoctorFinding(
                check: "dsmp-jail", severity: .failure, message: "it is not beside dsmp, so no worker can be confined",
                hint: "install it at \(path)")
        }
        return DoctorFinding(check: "dsmp-jail", severity: .ok, message: path)
    }

    private var namespaces: DoctorFinding {
        let switches = [
            ("/proc/sys/user/max_user_namespaces", "0"), ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
            ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
        ]
        for (path, bad) in switches where SmallFile.text(path)?.split(separator: "\n").first.map(String.init) == bad {
            let isFatal = geteuid() != 0 || path.hasSuffix("max_user_namespaces")
            return DoctorFinding(
                check: "user namespaces", severity: isFatal ? .failure : .warning, message: "\(path) is \(bad)",
                hint:
                    "run `sysctl -w \(path.dropFirst("/proc/sys/".count).replacing("/", with: "."))=\(bad == "0" ? "1" : "0")` as root"
            )
        }
        return DoctorFinding(check: "user namespaces", severity: .ok, message: "they can be made")
    }

    private var descriptors: DoctorFinding {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return DoctorFinding(check: "open files", severity: .warning, message: "the limit cannot be read")
        }
        guard limit.rlim_max >= Self.openFiles else {
            return DoctorFinding(
                check: "open files", severity: .warning, message: "at most \(limit.rlim_max)",
                hint: "raise `ulimit -Hn` to \(Self.openFiles) or more")
        }
        return DoctorFinding(check: "open files", severity: .ok, message: "at most \(limit.rlim_max)")
    }
}
