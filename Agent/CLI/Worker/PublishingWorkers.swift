import ArgumentParser
import ControlAPI
import ControlClient
import Foundation

struct PublishWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Start a worker here and announce it under this agent's key.",
        discussion: """
            dsmp worker publish hello
            dsmp worker publish hello --private        # found and called only by those you grant
            dsmp worker publish digest --trust-library # runs inside the agent: its crash ends the agent

            Publishing again replaces the release.
            """)

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The folder with worker.yaml.")
    var folder: String
    @Flag(name: .customLong("private"), help: "Whatever the manifest says.")
    var isPrivate = false
    @Flag(name: .customLong("public"), help: "Whatever the manifest says.")
    var isPublic = false
    @Flag(help: "Trust the worker's library by its SHA-256.")
    var trustLibrary = false

    func validate() throws {
        if self.isPrivate, self.isPublic { throw ValidationError("--private and --public exclude each other") }
    }

    func run() async throws {
        let request = PublishRequest(
            folder: DefaultFolder.absolute(self.folder, in: FileManager.default.currentDirectoryPath),
            visibility: self.isPrivate ? .private : self.isPublic ? .public : nil,
            trustLibrary: self.trustLibrary ? true : nil)
        let published = try await self.agent.client.ask(.publish, request, as: PublishedWorker.self)
        try Printer.print(published, json: self.output.json) {
            """
            published \(published.worker)
            release    \(published.release)
            visibility \(published.visibility.rawValue)
            """
        }
    }
}

struct UnpublishWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpublish", abstract: "Withdraw a worker and stop it here.",
        discussion: "dsmp worker unpublish hello")

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The worker, in full or by its name.")
    var worker: String

    func run() async throws {
        let summary = try await self.agent.client.ask(
            .unpublish, WorkerReference(worker: self.worker), as: WorkerSummary.self)
        try Printer.print(summary, json: self.output.json) { "withdrawn \(summary.worker)" }
    }
}

struct GrantWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Let a peer host a worker, or call a private one.",
        discussion: """
            dsmp worker grant hello --host 12D3Koo...
            dsmp worker grant hello --consumer 12D3Koo... --days 30
            """)

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The worker, in full or by its name.")
    var worker: String
    @Option(help: ArgumentHelp("The peer that may host it.", valueName: "peer"))
    var host: String?
    @Option(help: ArgumentHelp("The peer that may call it.", valueName: "peer"))
    var consumer: String?
    @Option(help: "How long it holds.")
    var days: Double?

    func validate() throws {
        guard (self.host == nil) != (self.consumer == nil) else {
            throw ValidationError("say whom: --host PEER or --consumer PEER")
        }
        if let days, !(days > 0 && days <= 3_650) { throw ValidationError("--days takes more than 0, at most 3650") }
    }

    func run() async throws {
        let request = GrantRequest(
            worker: self.worker, peer: self.host ?? self.consumer ?? "", role: self.host == nil ? .consumer : .host,
            validSeconds: self.days.map { UInt64($0 * 86_400) })
        let grant = try await self.agent.client.ask(.grant, request, as: GrantSummary.self)
        try Printer.print(grant, json: self.output.json) {
            let until = Amounts.time(unixMilliseconds: grant.expiresUnixMilliseconds)
            let next =
                grant.role == .host
                ? "there: dsmp worker host \(grant.worker)" : "there: dsmp subscribe \(grant.worker)"
            return
                "\(grant.peer) may \(grant.role == .host ? "host" : "call") \(grant.worker) until \(until) UTC\n\(next)"
        }
    }
}

struct RevokeWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take a grant back.",
        discussion: """
            dsmp worker revoke hello --host 12D3Koo...
            dsmp worker revoke hello --consumer 12D3Koo...   # the group's secret changes

            What a host has already received it keeps.
            """)

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The worker, in full or by its name.")
    var worker: String
    @Option(help: ArgumentHelp("The peer that may not host it any more.", valueName: "peer"))
    var host: String?
    @Option(help: ArgumentHelp("The peer that may not call it any more.", valueName: "peer"))
    var consumer: String?

    func validate() throws {
        guard (self.host == nil) != (self.consumer == nil) else {
            throw ValidationError("say whose: --host PEER or --consumer PEER")
        }
    }

    func run() async throws {
        let request = RevokeRequest(
            worker: self.worker, peer: self.host ?? self.consumer ?? "", role: self.host == nil ? .consumer : .host)
        let summary = try await self.agent.client.ask(.revoke, request, as: RevokeSummary.self)
        try Printer.print(summary, json: self.output.json) {
            let roles = summary.revoked.map(\.rawValue).joined(separator: " and ")
            let epoch = summary.epoch.map { "\nthe group's secret is now the \($0)th" } ?? ""
            return "\(summary.peer) is no \(roles) of \(summary.worker) any more" + epoch
        }
    }
}
