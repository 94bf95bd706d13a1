import ArgumentParser
import ControlAPI
import Foundation

struct DevnetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devnet", abstract: "A small mesh of agents on this machine, to play in.",
        discussion: """
            dsmp devnet up -n 5
            dsmp devnet up -n 5 --fault 2=crash          # agent 2 is killed once all are connected
            dsmp find --data /var/lib/dsmp/devnet/3      # talk to agent 3
            dsmp devnet down
            """,
        subcommands: [Up.self, Down.self, Status.self])

    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Start agents on loopback and return when all are connected.",
            discussion: """
                dsmp devnet up -n 5
                dsmp devnet up -n 5 --fault 2=crash --json
                """)

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions
        @Option(name: .shortAndLong, help: "How many agents, 1 to 64.")
        var number = 3
        @Option(
            help: ArgumentHelp(
                "INDEX=KIND: crash kills an agent once all are connected, freeze stops its process.", valueName: "fault"
            ))
        var fault: [DevnetFault] = []
        @Flag(help: "Open the TCP control surface of each on a free port.")
        var api = false
        @Option(help: "Give up after this many seconds.")
        var timeout = 60

        func validate() throws {
            guard 1...Devnet.agentLimit ~= self.number else {
                throw ValidationError("-n takes 1 to \(Devnet.agentLimit)")
            }
            guard 1...3_600 ~= self.timeout else { throw ValidationError("--timeout takes 1 to 3600 seconds") }
            for fault in self.fault where fault.index >= self.number {
                throw ValidationError("--fault \(fault.index)=\(fault.kind.rawValue): there is no agent \(fault.index)")
            }
        }

        func run() async throws {
            let devnet = Devnet(base: self.agent.folder)
            let members = try await devnet.up(
                number: self.number, opensAPI: self.api, faults: self.fault, timeout: .seconds(self.timeout))
            try Printer.print(members, json: self.output.json) {
                DevnetTable.text(members)
                    + "\n\nTalk to one with --data, for example:\n  dsmp status --data \(members[0].data)"
            }
        }
    }

    struct Down: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop every agent and remove what they kept.",
            discussion: "dsmp devnet down --keep   # leaves the data")

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions
        @Flag(help: "Leave the data folders.")
        var keep = false

        private struct Stopped: Encodable {
            var stopped: Int
        }

        func run() async throws {
            let stopped = try await Devnet(base: self.agent.folder).down(keepsData: self.keep)
            try Printer.print(Stopped(stopped: stopped), json: self.output.json) {
                stopped == 0 ? "no agent was running" : "stopped \(stopped) agents"
            }
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the agents.", discussion: "dsmp devnet status")

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let members = try await Devnet(base: self.agent.folder).status()
            try Printer.print(members, json: self.output.json) { DevnetTable.text(members) }
        }
    }
}

extension DevnetFault: ExpressibleByArgument {}

/// The agents of a devnet in columns.
enum DevnetTable {
    static func text(_ members: [DevnetMember]) -> String {
        var table = TextTable([
            ("AGENT", .right), ("PEER", .left), ("ADDRESS", .left), ("PROCESS", .right), ("STATE", .left),
            ("DATA", .left),
        ])
        for member in members {
            table.add(
                String(member.index), member.peerID, member.addresses.first ?? "-", String(member.pid), member.state,
                member.data)
        }
        return table.text(ifEmpty: "No devnet. Start one with `dsmp devnet up -n 3`.")
    }
}
