import ArgumentParser
import ControlAPI
import ControlClient
import Foundation

struct HostWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "Host another publisher's worker, which that publisher granted to this agent.",
        discussion: """
            dsmp worker host dsmp://12D3Koo.../hello
            dsmp worker host dsmp://12D3Koo.../hello --folder hello    # when no other host can be asked for it
            """)

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The worker, as dsmp://PUBLISHER/NAME.")
    var worker: String
    @Option(help: ArgumentHelp("The grant as base64, when it cannot be asked for.", valueName: "base64"))
    var grant: String?
    @Option(help: "A folder that packs to exactly the granted release.")
    var folder: String?
    @Flag(help: "Trust the worker's library by its SHA-256.")
    var trustLibrary = false

    func run() async throws {
        let request = HostRequest(
            worker: self.worker, grant: self.grant,
            folder: self.folder.map { DefaultFolder.absolute($0, in: FileManager.default.currentDirectoryPath) },
            trustLibrary: self.trustLibrary ? true : nil)
        let summary = try await self.agent.client.ask(.host, request, as: WorkerSummary.self)
        try Printer.print(summary, json: self.output.json) { "hosting \(summary.worker)\nrelease \(summary.release)" }
    }
}

struct ListWorkers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the workers of this agent.", discussion: "dsmp worker list")

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let workers = try await self.agent.client.ask(.workers, as: [WorkerSummary].self)
        try Printer.print(workers, json: self.output.json) {
            var table = TextTable([
                ("WORKER", .left), ("KIND", .left), ("STATE", .left), ("ROLE", .left), ("VISIBILITY", .left),
                ("RESTARTS", .right), ("REASON", .left),
            ])
            for worker in workers {
                table.add(
                    worker.worker, worker.kind, worker.state.rawValue, worker.published ? "publisher" : "host",
                    worker.visibility.rawValue, String(worker.restarts), worker.reason ?? "")
            }
            return table.text(ifEmpty: "No workers. Make one with `dsmp worker new NAME`.")
        }
    }
}

struct ShowWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show all that is known about a worker.",
        discussion: """
            dsmp worker show hello
            dsmp worker show dsmp://12D3Koo.../hello
            """)

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The worker, in full or by its name.")
    var worker: String

    func run() async throws {
        let detail = try await self.agent.client.ask(
            .worker, WorkerReference(worker: self.worker), as: WorkerDetail.self)
        try Printer.print(detail, json: self.output.json) { Self.text(detail) }
    }

    private static func text(_ detail: WorkerDetail) -> String {
        var lines = [
            "worker     \(detail.worker)", "summary    \(detail.summary)", "kind       \(detail.kind)",
            "methods    \(detail.methods.joined(separator: ", "))", "tags       \(detail.tags.joined(separator: ", "))",
            "visibility \(detail.visibility.rawValue)", "release    \(detail.release)",
            "sequence   \(detail.sequence), valid until \(Amounts.time(unixMilliseconds: detail.expiresUnixMilliseconds)) UTC",
        ]
        lines += detail.hosts.enumerated().map { ($0.offset == 0 ? "hosts      " : "           ") + $0.element }
        if let local = detail.local {
            lines.append(
                "here       \(local.state.rawValue)\(local.reason.map { ": \($0)" } ?? ""), \(local.restarts) restarts")
        }
        for grant in detail.grants {
            lines.append(
                "granted    \(grant.role.rawValue) \(grant.peer) until "
                    + "\(Amounts.time(unixMilliseconds: grant.expiresUnixMilliseconds)) UTC")
        }
        return lines.map(PlainText.clean).joined(separator: "\n")
    }
}

struct WorkerLogs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print what a worker that runs here has logged.",
        discussion: """
            dsmp worker logs hello
            dsmp worker logs hello --lines 1000
            dsmp worker logs hello --follow
            """)

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The worker, in full or by its name.")
    var worker: String
    @Option(help: "How many of the newest lines.")
    var lines = 200
    @Flag(help: "Go on with what comes, until interrupted.")
    var follow = false

    /// How long to pause between two looks at a log that is followed.
    private static let pause = Duration.milliseconds(500)

    func validate() throws {
        guard 1...LogsRequest.lineLimit ~= self.lines else {
            throw ValidationError("--lines takes 1 to \(LogsRequest.lineLimit)")
        }
        if self.follow, self.output.json { throw ValidationError("--follow and --json exclude each other") }
    }

    func run() async throws {
        var request = LogsRequest(worker: self.worker, lines: self.lines)
        while true {
            let page = try await self.agent.client.ask(.logs, request, as: LogPage.self)
            if self.output.json { return try Printer.print(page.lines, json: true) { "" } }
            let text = page.lines.map { line in
                Amounts.time(unixMilliseconds: line.unixMilliseconds) + "  " + PlainText.clean(line.text) + "\n"
            }.joined()
            try Printer.write(Array(text.utf8))
            guard self.follow else { return }
            request.after = page.lines.last?.number ?? request.after ?? 0
            request.lines = LogsRequest.lineLimit
            try await Task.sleep(for: Self.pause)
        }
    }
}
