import ArgumentParser
import ControlAPI
import ControlClient

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what the agent is doing.",
        discussion: """
            dsmp status
            dsmp status --wait 30        # until it is ready; exit status 3 when it is not by then
            """)

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions
    @Option(help: ArgumentHelp("Wait until the agent is ready, at most this long.", valueName: "seconds"))
    var wait: Double?

    func validate() throws {
        if let wait, !(wait >= 0 && wait <= 86_400) { throw ValidationError("--wait takes 0 to 86400 seconds") }
    }

    func run() async throws {
        let status = try await self.status()
        try Printer.print(status, json: self.output.json) {
            var lines = [
                "peer id    \(status.peerID)", "version    \(PlainText.clean(status.version))",
                "uptime     \(Amounts.duration(seconds: status.uptimeSeconds))",
            ]
            for (index, address) in status.addresses.enumerated() {
                lines.append((index == 0 ? "listening  " : "           ") + PlainText.clean(address))
            }
            lines += [
                "peers      \(status.peers)", "workers    \(status.workers)", "api        \(status.api ?? "off")",
                "data       \(status.dataFolder)",
            ]
            if !status.ready { lines.append("ready      not yet: no bootstrap address has been reached") }
            return lines.joined(separator: "\n")
        }
    }

    private func status() async throws(ControlError) -> AgentStatus {
        guard let wait = self.wait else { return try await self.agent.client.ask(.status, as: AgentStatus.self) }
        return try await Readiness.wait(for: self.agent.client, atMost: .seconds(wait))
    }
}

/// Waits for an agent to be ready.
enum Readiness {
    /// How long to pause between two questions.
    static let pause = Duration.milliseconds(50)

    /// - Throws: `timeout`, saying what was seen last.
    static func wait(for client: ControlClient, atMost limit: Duration) async throws(ControlError) -> AgentStatus {
        let deadline = ContinuousClock.now + limit
        while true {
            var seen: String
            do throws(ControlError) {
                let status = try await client.ask(.status, as: AgentStatus.self)
                if status.ready { return status }
                seen = "it runs but has not reached any bootstrap address"
            } catch  where error.code == .unreachable {
                seen = error.message
            }
            guard ContinuousClock.now < deadline else {
                throw ControlError(
                    .timeout, "the agent was not ready after \(limit.components.seconds) s: \(seen)",
                    hint: "see its log, or start it with `dsmp agent run`")
            }
            do { try await Task.sleep(for: Self.pause) } catch { throw ControlError(.cancelled, "interrupted") }
        }
    }
}
