import ArgumentParser
import ControlAPI
import ControlClient

struct FindCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "find", abstract: "Find workers on the mesh.",
        discussion: """
            dsmp find                      # all that can be seen from here
            dsmp find digest               # by name or tag
            dsmp find dsmp://12D3Koo.../digest

            Anybody may publish under any name: look at the publisher before you call or subscribe.
            """)

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "A name, a tag, or a full name; all workers without it.")
    var query = ""
    @Option(help: "The most results.")
    var limit = 100

    func validate() throws {
        guard 1...FindRequest.limitBound ~= self.limit else {
            throw ValidationError("--limit takes 1 to \(FindRequest.limitBound)")
        }
    }

    func run() async throws {
        let request = FindRequest(query: self.query, limit: self.limit)
        let found = try await self.agent.client.ask(.find, request, as: [FoundWorker].self)
        try Printer.print(found, json: self.output.json) {
            var table = TextTable("WORKER", "KIND", "HOSTS", "VISIBILITY", "TAGS", "SUMMARY")
            for worker in found {
                table.add(
                    worker.worker, worker.kind, String(worker.hosts.count), worker.visibility.rawValue,
                    worker.tags.joined(separator: ","), worker.summary)
            }
            return table.text(ifEmpty: "No worker matches. New ones can take a moment to be announced.")
        }
        if found.isEmpty, !self.query.isEmpty { throw ExitCode(ControlErrorCode.notFound.exitStatus) }
    }
}
