package import ArgumentParser

/// The root of every command.
package struct DSMP: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "dsmp",
        abstract: "A decentralised service mesh: host workers, find them, call them.",
        discussion: """
            An agent runs on each machine; the other commands talk to the one on this machine. --data (or DSMP_DATA) \
            says which, when there are several.

              dsmp agent run                         start the agent of this machine
              dsmp status                            what it is doing
              dsmp find                              workers on the mesh
              dsmp call dsmp://PUBLISHER/digest sha256 --input FILE

              dsmp worker new hello --kind python    a worker of your own
              dsmp worker publish hello
              dsmp devnet up -n 3                    a small mesh to play in

            Exit status: 0 done, 1 failed, 2 wrong usage, 3 not reachable, not found or timed out, 4 refused.
            """,
        version: AgentVersion.text,
        groupedSubcommands: [
            CommandGroup(
                name: "This machine",
                subcommands: [
                    AgentCommand.self, StatusCommand.self, DoctorCommand.self, IdentityCommand.self, DevnetCommand.self,
                ]),
            CommandGroup(name: "Publish and host", subcommands: [WorkerCommand.self, SandboxCommand.self]),
            CommandGroup(
                name: "Find and use",
                subcommands: [
                    FindCommand.self, SubscribeCommand.self, UnsubscribeCommand.self, SubscriptionsCommand.self,
                    CallCommand.self,
                ]),
            CommandGroup(name: "Look inside", subcommands: [NetCommand.self, DHTCommand.self]),
        ])

    package init() {}
}
