import ArgumentParser
import ControlAPI
import ControlClient
import Foundation

struct DHTCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dht", abstract: "Ask the distributed hash table directly.",
        subcommands: [Get.self, Put.self, Provide.self, Providers.self, FindPeer.self])

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the value of a record.",
            discussion: """
                dsmp dht get /dsmp-worker/12D3Koo.../digest >record.bin
                dsmp dht get /dsmp-worker/12D3Koo.../digest --json
                """)

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The key, as /NAMESPACE/REST.")
        var key: String

        func run() async throws {
            let reply = try await self.agent.client.ask(.getRecord, RecordRequest(key: self.key), as: RecordReply.self)
            if self.output.json {
                try Printer.print(reply, json: true) { "" }
            } else {
                try Printer.write(reply.value.bytes)
            }
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Store a signed record.", discussion: "dsmp dht put /pk/... --input record.bin")

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The key, as /NAMESPACE/REST.")
        var key: String
        @Option(help: ArgumentHelp("The value; - is standard input.", valueName: "file"))
        var input = "-"

        func run() async throws {
            let input = try FileInput.open(self.input, streams: false)
            var value: [UInt8] = []
            while let piece = try await input.next() {
                value += piece
                guard value.count <= FileInput.wholeBytes else {
                    throw ControlError(.tooLarge, "the value is longer than any record", hint: "a record has a few KiB")
                }
            }
            let request = PutRecordRequest(key: self.key, value: Base64Bytes(value))
            let reply = try await self.agent.client.ask(.putRecord, request, as: RecordReply.self)
            try Printer.print(reply, json: self.output.json) { "stored with \(reply.peers) peers" }
        }
    }

    struct Provide: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Announce that this agent provides a content.", discussion: "dsmp dht provide bafkrei...")

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The content's CID.")
        var cid: String

        func run() async throws {
            let reply = try await self.agent.client.ask(
                .provide, ContentRequest(cid: self.cid), as: ProvidersReply.self)
            try Printer.print(reply, json: self.output.json) { "announced to \(reply.announced) peers" }
        }
    }

    struct Providers: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List who says it provides a content.", discussion: "dsmp dht providers bafkrei...")

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The content's CID.")
        var cid: String

        func run() async throws {
            let reply = try await self.agent.client.ask(
                .providers, ContentRequest(cid: self.cid), as: ProvidersReply.self)
            try Printer.print(reply, json: self.output.json) { PeerTable.text(reply.providers) }
        }
    }

    struct FindPeer: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "find-peer", abstract: "Find the addresses of a peer.",
            discussion: "dsmp dht find-peer 12D3Koo...")

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The peer id.")
        var peer: String

        func run() async throws {
            let reply = try await self.agent.client.ask(.findPeer, PeerRequest(peer: self.peer), as: PeerReply.self)
            try Printer.print(reply, json: self.output.json) { PeerTable.text([reply]) }
        }
    }
}

/// Peers and their addresses in two columns.
enum PeerTable {
    static func text(_ peers: [PeerReply]) -> String {
        var table = TextTable("PEER", "ADDRESSES")
        for peer in peers { table.add(peer.peerID, peer.addresses.joined(separator: " ")) }
        return table.text(ifEmpty: "Nobody says so.")
    }
}
