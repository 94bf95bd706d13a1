import Identity
import Kademlia
import Libuv
import Overlay
import Testing
import Wire

@Suite("The distributed hash table among hostile peers", .timeLimit(.minutes(2)))
struct DistributedHashTableHostileTests {
    static let protocolID = "/dsmp/kad/1.0.0"

    /// What a hostile peer writes, and what becomes of its stream.
    private func isReset(_ bytes: [UInt8], by node: TableNode, from peer: TableNode) async throws -> Bool {
        let stream = try await peer.host.openStream(
            to: node.peerID, protocols: [Self.protocolID], addresses: await node.host.listenAddresses)
        do {
            try await stream.write(bytes)
            stream.finishWriting()
            while try await stream.read() != nil {}
            return false
        } catch {
            return true
        }
    }

    private func prefixed(_ message: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLengthPrefixed(message)
        return bytes
    }

    @Test("resets what is no request, and nothing else suffers") func brokenRequests() async throws {
        try await TableFixture.run { fixture in
            let nodes = try await fixture.network(2)
            let foreign = PeerContact(id: nodes[0].peerID, addresses: [try Multiaddr("/ip4/127.0.0.1/tcp/9")])
            let own = PeerContact(id: nodes[1].peerID, addresses: [try Multiaddr("/ip4/127.0.0.1/tcp/9")])
            let refused: [(String, [UInt8])] = [
                ("an unknown type", self.prefixed([0x08, 0x06, 0x12, 0x01, 0x61])),
                ("garbage", self.prefixed([0xff, 0xff, 0xff])), ("an empty message", self.prefixed([])),
                ("five megabytes announced", Varint.encode(5 << 20)), ("2^62 bytes announced", Varint.encode(1 << 62)),
                ("one byte over the limit announced", Varint.encode(65_537)),
                ("a length that is not minimal", [0x81, 0x00, 0x00]),
                ("a length of ten bytes", [UInt8](repeating: 0xff, count: 10)),
                ("a message cut off", [0x20, 0x08, 0x04]), ("find node without a key", self.prefixed([0x08, 0x04])),
                (
                    "a foreign provider",
                    self.prefixed(KademliaRequest.addProvider(key: [1], providers: [foreign]).message)
                ),
                (
                    "a provider without an address",
                    self.prefixed(KademliaRequest.addProvider(key: [1], providers: [PeerContact(id: own.id)]).message)
                ),
                (
                    "a record that is not valid",
                    self.prefixed(
                        KademliaRequest.putValue(ValueRecord(key: TestValidator.key("a"), value: [1])).message)
                ),
                (
                    "a namespace nobody knows",
                    self.prefixed(KademliaRequest.putValue(ValueRecord(key: Array("/no/a".utf8), value: [1])).message)
                ),
            ]
            for (name, bytes) in refused {
                #expect(try await self.isReset(bytes, by: nodes[0], from: nodes[1]), "\(name)")
            }
            let taken: [(String, [UInt8])] = [
                ("nothing", []), ("a ping", self.prefixed(KademliaRequest.ping.message)),
                ("a key that is no peer id", self.prefixed(KademliaRequest.findNode(key: [1]).message)),
                (
                    "a key of 1,024 bytes",
                    self.prefixed(KademliaRequest.findNode(key: [UInt8](repeating: 1, count: 1_024)).message)
                ),
                ("itself as provider", self.prefixed(KademliaRequest.addProvider(key: [1], providers: [own]).message)),
            ]
            for (name, bytes) in taken {
                #expect(try await !self.isReset(bytes, by: nodes[0], from: nodes[1]), "\(name)")
            }
            #expect(try await nodes[1].table.findPeer(nodes[0].peerID).id == nodes[0].peerID)
            #expect(await nodes[0].host.connectedPeer(nodes[1].peerID)?.connections.count == 1)
        }
    }

    @Test("answers a hundred requests written at once, in order, and has answered those before a broken one")
    func pipelined() async throws {
        try await TableFixture.run { fixture in
            let nodes = try await fixture.network(2)
            let stream = try await nodes[1].host.openStream(to: nodes[0].peerID, protocols: [Self.protocolID])
            var bytes: [UInt8] = []
            for number in 0..<100 as Range<UInt8> {
                bytes += self.prefixed(KademliaRequest.getProviders(key: [number]).message)
            }
            try await stream.write(bytes + self.prefixed([0x08, 0x09]))
            for number in 0..<100 as Range<UInt8> {
                let message = try #require(try await stream.readMessage(limit: KademliaLimits.maximumAnswerByteCount))
                let answer = try KademliaAnswer(message: message)
                #expect(answer.kind == .getProviders && answer.key == [number])
            }
            await #expect(throws: StreamError.self) { _ = try await stream.readMessage(limit: 100) }
        }
    }

    @Test("resets a stream without a complete request for too long, drips or not") func idleStreams() async throws {
        try await TableFixture.run { fixture in
            let node = try await fixture.add(1) { $0.streamIdleMilliseconds = 200 }
            let peer = try await fixture.add(2)
            try await peer.table.bootstrap(await node.host.addresses)
            let idle = try await peer.host.openStream(to: node.peerID, protocols: [Self.protocolID])
            try await idle.writeMessage(KademliaRequest.ping.message)
            #expect(try await idle.readMessage(limit: 100) != nil)
            let drip = try await peer.host.openStream(to: node.peerID, protocols: [Self.protocolID])
            let dripping = Task {
                for _ in 0..<2_000 {
                    try await drip.write([0xff])
                    if Task.isCancelled { return }
                    try await fixture.loop.sleep(milliseconds: 20)
                }
            }
            await #expect(throws: StreamError.self) { _ = try await idle.readMessage(limit: 100) }
            await #expect(throws: StreamError.self) { _ = try await drip.readMessage(limit: 100) }
            dripping.cancel()
            _ = await dripping.result
        }
    }

    @Test("reads sixteen streams of one peer at once and resets more") func streamLimit() async throws {
        try await TableFixture.run { fixture in
            let nodes = try await fixture.network(2)
            var open: [PeerStream] = []
            for _ in 0..<KademliaLimits.maximumInboundStreamsPerPeer {
                let stream = try await nodes[1].host.openStream(to: nodes[0].peerID, protocols: [Self.protocolID])
                try await stream.writeMessage(KademliaRequest.ping.message)
                #expect(try await stream.readMessage(limit: 100) != nil)
                open.append(stream)
            }
            #expect(try await self.isReset(self.prefixed(KademliaRequest.ping.message), by: nodes[0], from: nodes[1]))
            for stream in open { stream.reset() }
        }
    }

    /// What a hostile responder does with a request.
    struct Behaviour: Sendable, CustomTestStringConvertible {
        let name: String
        let act: @Sendable (PeerStream, KademliaRequest) async throws -> Void
        var testDescription: String { self.name }
    }

    static let behaviours = [
        Behaviour(name: "answers with another type") { stream, _ in
            try await stream.writeMessage(KademliaAnswer(kind: .ping).message)
        },
        Behaviour(name: "answers about another key") { stream, request in
            try await stream.writeMessage(KademliaAnswer(kind: request.kind, key: [9, 9]).message)
        },
        Behaviour(name: "answers with a record of another key") { stream, request in
            let record = ValueRecord(key: TestValidator.key("other"), value: TestValidator.value(9))
            try await stream.writeMessage(KademliaAnswer(kind: request.kind, record: record).message)
        },
        Behaviour(name: "answers with a record that is not valid") { stream, request in
            let record = ValueRecord(key: request.key, value: [1])
            try await stream.writeMessage(KademliaAnswer(kind: request.kind, record: record).message)
        },
        Behaviour(name: "announces four megabytes") { stream, _ in try await stream.write(Varint.encode(4 << 20)) },
        Behaviour(name: "ends after the length") { stream, _ in try await stream.write([0x20]) },
        Behaviour(name: "ends without an answer") { _, _ in },
        Behaviour(name: "resets") { stream, _ in stream.reset() },
        Behaviour(name: "answers garbage") { stream, _ in try await stream.writeMessage([0xff, 0xff, 0xff]) },
        Behaviour(name: "answers twice") { stream, request in
            for _ in 0..<2 { try await stream.writeMessage(KademliaAnswer(kind: request.kind).message) }
        },
        Behaviour(name: "names itself and the asker a thousand times") { stream, request in
            var message = KademliaAnswer(kind: request.kind).message
            let entry: [UInt8] = [0x42, 40, 0x0a, 38] + stream.peer.bytes
            for _ in 0..<1_000 { message += entry }
            try await stream.writeMessage(message)
        },
    ]

    @Test("is not misled by a peer that", arguments: behaviours) func responder(behaviour: Behaviour) async throws {
        try await TableFixture.run { fixture in
            let nodes = try await fixture.network(4)
            let liar = try Host(identity: try KeyPair(seed: [UInt8](repeating: 200, count: 32)), on: fixture.loop)
            await liar.start()
            try await liar.listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0"))
            await liar.handle(Self.protocolID) { stream in
                while let bytes = try await stream.readMessage(limit: 65_536) {
                    let request = try KademliaRequest(message: bytes)
                    guard request.key == liar.peerID.bytes else {
                        try await behaviour.act(stream, request)
                        return
                    }
                    // It passes the check of the table.
                    try await stream.writeMessage(KademliaAnswer(kind: .findNode).message)
                }
            }
            let key = TestValidator.key("sought")
            try await nodes[2].table.putValue(TestValidator.value(1), forKey: key)
            for address in await liar.addresses { try await nodes[1].host.connect(to: address) }
            try await eventually(on: fixture.loop, "the liar is in the table") {
                await nodes[1].table.routingTable.peers.contains { $0.contact.id == liar.peerID }
            }
            #expect(try await nodes[1].table.value(forKey: key) == TestValidator.value(1))
            #expect(try await nodes[1].table.findPeer(nodes[3].peerID).id == nodes[3].peerID)
            await liar.shutdown()
        }
    }
}
