import ArgumentParser
import ControlAPI
import ControlClient

struct NetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "net", abstract: "Look at peers, routes, round trips and limits.",
        subcommands: [Peers.self, Route.self, Ping.self, Limits.self])

    struct Peers: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List connected peers.", discussion: "dsmp net peers")

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let peers = try await self.agent.client.ask(.peers, as: [PeerSummary].self)
            try Printer.print(peers, json: self.output.json) {
                var table = TextTable([
                    ("PEER", .left), ("ADDRESS", .left), ("DIRECTION", .left), ("CONNECTED", .right),
                    ("STREAMS", .right),
                    ("PING", .right), ("SOFTWARE (says the peer)", .left),
                ])
                for peer in peers {
                    table.add(
                        peer.peerID, peer.address, peer.direction.rawValue,
                        Amounts.duration(seconds: peer.connectedSeconds), String(peer.streams),
                        peer.roundTripMicroseconds.map(Amounts.milliseconds) ?? "-", peer.agentVersion)
                }
                return table.text(ifEmpty: "No peers. Give one with `dsmp agent run --bootstrap MULTIADDR`.")
            }
        }
    }

    struct Route: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the routing table, or the peers in it closest to one.",
            discussion: """
                dsmp net route
                dsmp net route 12D3Koo...
                """)

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "A peer id.")
        var peer: String?

        func run() async throws {
            let route = try await self.agent.client.ask(.route, RouteRequest(peer: self.peer), as: [RouteEntry].self)
            try Printer.print(route, json: self.output.json) {
                var table = TextTable([
                    ("SHARED BITS", .right), ("PEER", .left), ("CONNECTED", .left), ("ADDRESSES", .left),
                ])
                for entry in route {
                    table.add(
                        String(entry.sharedBits), entry.peerID, entry.connected ? "yes" : "no",
                        entry.addresses.joined(separator: " "))
                }
                return table.text(ifEmpty: "The routing table is empty: no peer has answered yet.")
            }
        }
    }

    struct Ping: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measure the round trip to a peer.",
            discussion: """
                dsmp net ping 12D3Koo...
                dsmp net ping /ip4/192.0.2.7/tcp/4101/p2p/12D3Koo... --count 10
                """)

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "A peer id, or an address that ends with one.")
        var peer: String
        @Option(help: "How many rounds.")
        var count = 4

        func validate() throws {
            guard 1...PingRequest.countLimit ~= self.count else {
                throw ValidationError("--count takes 1 to \(PingRequest.countLimit)")
            }
        }

        func run() async throws {
            let request = PingRequest(peer: self.peer, count: self.count)
            let report = try await self.agent.client.ask(.ping, request, as: PingReport.self)
            try Printer.print(report, json: self.output.json) {
                let times = report.roundTripMicroseconds
                let sorted = times.sorted()
                var lines = times.map { "\(report.peerID) answered in \(Amounts.milliseconds(microseconds: $0))" }
                if let least = sorted.first, let most = sorted.last {
                    let median = sorted[sorted.count / 2]
                    lines.append(
                        "least \(Amounts.milliseconds(microseconds: least)), median "
                            + "\(Amounts.milliseconds(microseconds: median)), most \(Amounts.milliseconds(microseconds: most))"
                    )
                }
                return lines.joined(separator: "\n")
            }
        }
    }

    struct Limits: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show every bound the agent enforces.", discussion: "dsmp net limits")

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let limits = try await self.agent.client.ask(.limits, as: [LimitReport].self)
            try Printer.print(limits, json: self.output.json) {
                var table = TextTable([("LIMIT", .left), ("VALUE", .right), ("UNIT", .left), ("USED", .right)])
                for limit in limits {
                    table.add(limit.name, String(limit.limit), limit.unit, limit.used.map(String.init) ?? "-")
                }
                return table.text(ifEmpty: "The agent reports no limits.")
            }
        }
    }
}
