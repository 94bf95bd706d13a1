import Identity
import Kademlia
import Libuv
import Overlay
import Testing
import Wire

@Suite("The distributed hash table", .timeLimit(.minutes(2))) struct DistributedHashTableTests {
    @Test("of twenty hosts that came through one finds peers, values and providers") func works() async throws {
        try await TableFixture.run { fixture in
            let nodes = try await fixture.network(20)
            for (index, node) in nodes.enumerated() {
                let table = await node.table.routingTable
                #expect(table.peers.count >= 10, "node \(index)")
                #expect(table.protocolID == "/dsmp/kad/1.0.0")
                #expect(table.mode == .server)
                #expect(table.bucketCounts.reduce(0, +) == table.peers.count)
            }
            // A peer that it was never told of, found and then reached.
            let found = try await nodes[3].table.findPeer(nodes[17].peerID)
            #expect(found == (await nodes[17].contact))
            try await nodes[3].host.connect(to: found.id, addresses: found.addresses)

            let key = TestValidator.key("first")
            #expect(try await nodes[4].table.putValue(TestValidator.value(1), forKey: key).count == 19)
            #expect(try await nodes[5].table.putValue(TestValidator.value(2), forKey: key).count == 19)
            for node in nodes { #expect(try await node.table.value(forKey: key) == TestValidator.value(2)) }
            #expect(try await nodes[9].table.value(forKey: TestValidator.key("none")) == nil)

            let content: [UInt8] = Array("content".utf8)
            #expect(try await nodes[6].table.provide(content).count == 19)
            #expect(try await nodes[7].table.provide(content).count == 19)
            let providers = try await nodes[11].table.findProviders(of: content)
            #expect(Set(providers.map(\.id)) == [nodes[6].peerID, nodes[7].peerID])
            #expect(providers.allSatisfy { !$0.addresses.isEmpty })
            #expect(try await nodes[11].table.findProviders(of: content, count: 1).count >= 1)
            var streamed: Set<PeerID> = []
            for await contact in nodes[12].table.providers(of: content) { streamed.insert(contact.id) }
            #expect(streamed == [nodes[6].peerID, nodes[7].peerID])
            var values: [[UInt8]] = []
            for await value in nodes[13].table.values(forKey: key) { values.append(value) }
            #expect(values.last == TestValidator.value(2))
        }
    }

    @Test("goes on when some hosts are gone") func survivesDeparture() async throws {
        try await TableFixture.run { fixture in
            var nodes = try await fixture.network(12)
            let key = TestValidator.key("kept")
            try await nodes[2].table.putValue(TestValidator.value(1), forKey: key)
            for _ in 0..<4 { await fixture.end(nodes.remove(at: 1)) }
            for node in nodes { #expect(try await node.table.value(forKey: key) == TestValidator.value(1)) }
            #expect(try await nodes[1].table.findPeer(nodes[6].peerID).id == nodes[6].peerID)
        }
    }

    @Test("serves a client, which is in nobody's table and can be found all the same") func clientMode() async throws {
        try await TableFixture.run { fixture in
            let nodes = try await fixture.network(5)
            let client = try await fixture.add(50) { $0.mode = .client }
            try await client.table.bootstrap(await nodes[0].host.addresses)
            #expect(await client.table.routingTable.mode == .client)
            let key = TestValidator.key("by a client")
            #expect(try await client.table.putValue(TestValidator.value(3), forKey: key).count == 5)
            #expect(try await nodes[4].table.value(forKey: key) == TestValidator.value(3))
            for node in nodes {
                #expect(await node.table.routingTable.peers.allSatisfy { $0.contact.id != client.peerID })
            }
            #expect(try await nodes[4].table.findPeer(client.peerID).id == client.peerID)
            #expect(await client.host.protocols.contains("/dsmp/kad/1.0.0") == false)
        }
    }

    @Test("comes back from its saved table without a bootstrap address") func restart() async throws {
        try await TableFixture.run { fixture in
            let nodes = try await fixture.network(5)
            let store = MemoryTableStore()
            let first = try await fixture.add(60, tableStore: store)
            try await first.table.bootstrap(await nodes[0].host.addresses)
            await fixture.end(first)
            #expect(store.load().count == 5)
            let again = try await fixture.add(60, tableStore: store)
            try await eventually(on: fixture.loop, "the saved peers are in the table") {
                await again.table.routingTable.peers.count == 5
            }
            #expect(try await again.table.findPeer(nodes[3].peerID).id == nodes[3].peerID)
        }
    }

    @Test("publishes what was put while alone as soon as somebody comes") func putAlone() async throws {
        try await TableFixture.run { fixture in
            let alone = try await fixture.add(1)
            let key = TestValidator.key("alone")
            #expect(try await alone.table.putValue(TestValidator.value(1), forKey: key).isEmpty)
            #expect(try await alone.table.provide([1, 2, 3]).isEmpty)
            #expect(try await alone.table.value(forKey: key) == TestValidator.value(1))
            let second = try await fixture.add(2)
            try await second.table.bootstrap(await alone.host.addresses)
            try await eventually(on: fixture.loop, "the second has the value and the provider") {
                let held = try? await second.table.trace(.getValue(key: key, quorum: 1))
                let providers = try? await second.table.trace(.findProviders(key: [1, 2, 3], count: 1))
                guard case .value(.some, _)? = held?.result, case .providers(let found)? = providers?.result else {
                    return false
                }
                return found.map(\.id) == [alone.peerID]
            }
        }
    }

    @Test("refuses what breaks the rules, with the reason") func refusals() async throws {
        try await TableFixture.run { fixture in
            let node = try await fixture.add(1)
            let key = TestValidator.key("x")
            await #expect(throws: DistributedHashTableError.self) {
                try await node.table.putValue([1, 2, 3], forKey: key)
            }
            await #expect(throws: DistributedHashTableError.self) {
                try await node.table.putValue(TestValidator.value(1), forKey: Array("/other/x".utf8))
            }
            let stranger = try KeyPair(seed: [UInt8](repeating: 99, count: 32)).peerID
            do {
                _ = try await node.table.findPeer(stranger)
                Issue.record("found a peer that does not exist")
            } catch {
                #expect("\(error)".contains("--bootstrap"))
            }
            do {
                try await node.table.bootstrap([
                    Multiaddr("/ip4/127.0.0.1/tcp/1/p2p/\(stranger)"), Multiaddr("/ip4/127.0.0.1/tcp/1"),
                ])
                Issue.record("bootstrapped through nobody")
            } catch {
                #expect("\(error)".contains("no bootstrap address led into the network"))
            }
            await node.table.stop()
            await #expect(throws: DistributedHashTableError.self) { try await node.table.value(forKey: key) }
        }
    }

    @Test("does not mix with a network of another prefix") func otherPrefix() async throws {
        try await TableFixture.run { fixture in
            let first = try await fixture.add(1)
            let other = try await fixture.add(2) { $0.prefix = "/elsewhere" }
            let addresses = await first.host.addresses
            await #expect(throws: DistributedHashTableError.self) { try await other.table.bootstrap(addresses) }
            #expect(await other.host.isConnected(to: first.peerID))
            #expect(await first.table.routingTable.peers.isEmpty)
            #expect(await other.table.routingTable.peers.isEmpty)
        }
    }

    @Test("ends a lookup that its caller cancels") func cancellation() async throws {
        try await TableFixture.run { fixture in
            let node = try await fixture.add(1)
            // A server that takes requests and never answers.
            let silent = try Host(identity: try KeyPair(seed: [UInt8](repeating: 7, count: 32)), on: fixture.loop)
            await silent.start()
            try await silent.listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0"))
            let (asked, wasAsked) = AsyncStream.makeStream(of: Void.self)
            await silent.handle("/dsmp/kad/1.0.0") { stream in
                var count = 0
                while let bytes = try await stream.readMessage(limit: 65_536) {
                    count += 1
                    guard try KademliaRequest(message: bytes).key == silent.peerID.bytes else {
                        wasAsked.yield()
                        try await silent.loop.sleep(milliseconds: 60_000)
                        return
                    }
                    try await stream.writeMessage(KademliaAnswer(kind: .findNode).message)
                }
            }
            for address in await silent.addresses { try await node.host.connect(to: address) }
            try await eventually(on: fixture.loop, "the silent peer is in the table") {
                await node.table.routingTable.peers.count == 1
            }
            let lookup = Task { try await node.table.closestPeers(to: [1]) }
            for await _ in asked { break }
            lookup.cancel()
            await #expect(throws: DistributedHashTableError.self) { try await lookup.value }
            #expect(await node.table.routingTable.operationCount <= 1)
            await silent.shutdown()
        }
    }
}
