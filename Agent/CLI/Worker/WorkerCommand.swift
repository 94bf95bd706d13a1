import ArgumentParser

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Write, publish, host and watch workers.",
        discussion: """
            dsmp worker new hello --kind python
            dsmp worker check hello
            dsmp worker publish hello
            dsmp worker list
            dsmp worker logs hello
            dsmp worker grant hello --host 12D3Koo...      # lets another agent host it
            """,
        groupedSubcommands: [
            CommandGroup(name: "Write", subcommands: [NewWorker.self, CheckWorker.self, PackWorker.self]),
            CommandGroup(
                name: "Publish",
                subcommands: [
                    PublishWorker.self, UnpublishWorker.self, GrantWorker.self, RevokeWorker.self,
                ]),
            CommandGroup(
                name: "Run",
                subcommands: [
                    HostWorker.self, ListWorkers.self, ShowWorker.self, WorkerLogs.self,
                ]),
        ])
}
