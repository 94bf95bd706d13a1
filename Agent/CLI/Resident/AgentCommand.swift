import ArgumentParser
import ControlAPI
import Glibc
import Logging

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "The agent of this machine.", subcommands: [Run.self])

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run the agent until it is asked to end (SIGTERM, SIGINT).",
            discussion: """
                dsmp agent run
                dsmp agent run --bootstrap /ip4/192.0.2.7/tcp/4101/p2p/12D3Koo...
                dsmp agent run --listen /ip4/127.0.0.1/tcp/0 --api 127.0.0.1:8080 --data /tmp/agent

                agent.yaml in the data folder, or the file named with --config, may say the same; flags count more:

                  listen: [/ip4/0.0.0.0/tcp/4101]
                  bootstrap: [/ip4/192.0.2.7/tcp/4101/p2p/12D3Koo...]
                  api: 127.0.0.1:8080
                  policy: /etc/dsmp/policy.yaml
                  log-level: info
                """)

        @OptionGroup var agent: AgentOptions
        @Option(help: ArgumentHelp("Where to listen for peers; may be repeated.", valueName: "multiaddr"))
        var listen: [String] = []
        @Option(help: ArgumentHelp("A peer to join the mesh through; may be repeated.", valueName: "multiaddr"))
        var bootstrap: [String] = []
        @Option(
            help: ArgumentHelp("Serve the control API over TCP too, for bearers of the token.", valueName: "host:port"))
        var api: String?
        @Option(
            help: ArgumentHelp("Read settings from here instead of agent.yaml in the data folder.", valueName: "file"))
        var config: String?
        @Option(
            help: ArgumentHelp("What workers may do; policy.yaml in the data folder without it.", valueName: "file"))
        var policy: String?
        @Option(help: ArgumentHelp("debug, info, warning or error.", valueName: "level"))
        var logLevel: String?

        func run() async throws {
            let settings = try AgentSettings(flags: self.flags, file: try self.file())
            try await ResidentAgent.run(settings, dataFolder: self.agent.folder)
        }

        private var flags: AgentFile {
            var flags = AgentFile()
            flags.listen = self.listen
            flags.bootstrap = self.bootstrap
            flags.api = self.api
            flags.policy = self.policy
            flags.logLevel = self.logLevel
            return flags
        }

        private func file() throws(ControlError) -> AgentFile {
            if let config = self.config { return try AgentFile(path: config) }
            let usual = self.agent.folder + "/agent.yaml"
            return access(usual, F_OK) == 0 ? try AgentFile(path: usual) : AgentFile()
        }
    }
}
