import ArgumentParser
import ControlAPI
import ControlClient

struct SubscribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscribe", abstract: "Subscribe to a worker; its bare name then means this one.",
        discussion: """
            dsmp subscribe dsmp://12D3Koo.../digest
            dsmp call digest sha256 --input FILE
            """)

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The worker, as dsmp://PUBLISHER/NAME.")
    var worker: String

    func run() async throws {
        let subscription = try await self.agent.client.ask(
            .subscribe, WorkerReference(worker: self.worker), as: SubscriptionSummary.self)
        try Printer.print(subscription, json: self.output.json) { "subscribed to \(subscription.worker)" }
    }
}

struct UnsubscribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unsubscribe", abstract: "End a subscription.",
        discussion: "dsmp unsubscribe digest")

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The worker, in full or by its name.")
    var worker: String

    func run() async throws {
        let subscription = try await self.agent.client.ask(
            .unsubscribe, WorkerReference(worker: self.worker), as: SubscriptionSummary.self)
        try Printer.print(subscription, json: self.output.json) { "unsubscribed from \(subscription.worker)" }
    }
}

struct SubscriptionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subs", abstract: "List own subscriptions.", discussion: "dsmp subs")

    @OptionGroup var agent: AgentOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let subscriptions = try await self.agent.client.ask(.subscriptions, as: [SubscriptionSummary].self)
        try Printer.print(subscriptions, json: self.output.json) {
            var table = TextTable("WORKER", "VISIBILITY", "SINCE (UTC)", "UNTIL (UTC)")
            for subscription in subscriptions {
                table.add(
                    subscription.worker, subscription.visibility.rawValue,
                    Amounts.time(unixMilliseconds: subscription.sinceUnixMilliseconds),
                    subscription.expiresUnixMilliseconds.map(Amounts.time) ?? "cancelled by you")
            }
            return table.text(ifEmpty: "No subscriptions. Make one with `dsmp subscribe WORKER`.")
        }
    }
}
