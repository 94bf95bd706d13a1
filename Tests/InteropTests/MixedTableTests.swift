import Cryptography
import Identity
import Kademlia
import Libp2p
import Libuv
import Overlay
import TestKit
import Testing
import Wire

/// A table of three of our nodes, three of go-libp2p and one of py-libp2p, under go's fixed prefix.
private struct MixedNetwork {
    var ours: [(peer: OurPeer, table: DistributedHashTable)] = []
    var go: [ForeignPeer] = []
    let python: ForeignPeer

    init() async throws {
        self.python = try ForeignPeer(.python)
        self.go = try (0..<3).map { _ in try ForeignPeer(.go) }
        for _ in 0..<3 {
            let peer = try await OurPeer()
            var configuration = DistributedHashTableConfiguration()
            configuration.prefix = "/ipfs"
            let table = try DistributedHashTable(
                on: peer.host, configuration: configuration,
                validators: ValidatorRegistry(["pk": PublicKeyValidator()]))
            await table.start()
            self.ours.append((peer, table))
        }
    }

    /// Joins everybody through our first node, and waits until everybody is in its table.
    func join() async throws {
        let first = self.ours[0].peer
        for foreign in self.go + [self.python] {
            try await foreign.perform(
                .init(op: "connect", peer: first.host.peerID.description, addresses: [first.address.description]))
        }
        let entrance = try Multiaddr("\(first.address)/p2p/\(first.host.peerID)")
        for (_, table) in self.ours.dropFirst() { try await table.bootstrap([entrance]) }
        let everybody = self.go.count + 1 + self.ours.count - 1
        try await eventually("the first table has \(everybody) peers", on: first.loop) {
            await self.ours[0].table.routingTable.peers.count == everybody
        }
        for foreign in self.go {
            let key = first.host.peerID.bytes.hexadecimal
            try await eventually("go's table has us", on: first.loop) {
                let found = try? await foreign.ask(.init(op: "closest", key: key), as: [String].self)
                return found?.contains(first.host.peerID.description) == true
            }
        }
        for (_, table) in self.ours { await table.refresh() }
    }

    func close() async {
        for (peer, table) in self.ours {
            await table.stop()
            await peer.close()
        }
    }
}

/// Asks again until something holds, for at most 30 seconds: other processes do not tell when their tables change.
private func eventually(_ what: String, on loop: EventLoop, _ holds: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < deadline {
        if try await holds() { return }
        try await loop.sleep(milliseconds: 20)
    }
    Issue.record("not in time: \(what)")
}

@Suite("A table shared by three implementations", .serialized, .timeLimit(.minutes(4)))
struct MixedTableTests {
    struct KeyVector: Decodable {
        let type: String
        let `public`: String
    }

    /// The record of a key that is too long to be in its peer id, so that it must be looked up.
    static func record(of type: String) throws -> (key: [UInt8], value: [UInt8]) {
        let vectors = try Repository.vectors("Specs/vectors/peer_ids.json", as: [KeyVector].self)
        let vector = try #require(vectors.first { $0.type.lowercased() == type })
        let publicKey = try PublicKey(protobuf: try #require([UInt8](hexadecimal: vector.public)))
        return (Array("/pk/".utf8) + PeerID(publicKey).bytes, publicKey.protobuf)
    }

    @Test("finds peers, values and providers across implementations") func works() async throws {
        let network = try await MixedNetwork()
        do {
            try await network.join()
            try await Self.findsPeers(network)
            try await Self.findsValues(network)
            try await Self.findsProviders(network)
        } catch {
            await network.close()
            throw error
        }
        await network.close()
    }

    private static func findsPeers(_ network: MixedNetwork) async throws {
        let (peer, table) = network.ours[2]
        for foreign in network.go {
            let contact = try await table.findPeer(try PeerID(foreign.peer))
            #expect(contact.addresses.map(\.description).contains(foreign.addresses[0]))
        }
        let addresses = try await network.go[0].ask(
            .init(op: "findPeer", peer: peer.host.peerID.description), as: [String].self)
        #expect(addresses?.contains(peer.address.description) == true)
        let closest = try await table.closestPeers(to: Array("anything".utf8))
        #expect(closest.count >= 6)
    }

    private static func findsValues(_ network: MixedNetwork) async throws {
        let rsa = try Self.record(of: "rsa")
        let holders = try await network.ours[1].table.putValue(rsa.value, forKey: rsa.key)
        let goPeers = try network.go.map { try PeerID($0.peer) }
        #expect(goPeers.allSatisfy(holders.contains))
        for foreign in network.go {
            let value = try await foreign.ask(.init(op: "get", key: rsa.key.hexadecimal), as: String.self)
            #expect(value == rsa.value.hexadecimal)
        }
        let ecdsa = try Self.record(of: "ecdsa")
        try await network.go[1].perform(
            .init(op: "put", key: ecdsa.key.hexadecimal, value: ecdsa.value.hexadecimal))
        for (_, table) in network.ours { #expect(try await table.value(forKey: ecdsa.key) == ecdsa.value) }
        // Go refuses what its rules refuse, and takes nothing of ours on trust.
        await #expect(throws: DistributedHashTableError.self) {
            try await network.ours[0].table.putValue(ecdsa.value, forKey: rsa.key)
        }
    }

    private static func findsProviders(_ network: MixedNetwork) async throws {
        let ours = Array("what we have".utf8)
        try await network.ours[2].table.provide([0x12, 0x20] + SHA256.digest(ours))
        let cid = ([0x01, 0x55, 0x12, 0x20] + SHA256.digest(ours)).hexadecimal
        for foreign in network.go {
            let found = try await foreign.ask(.init(op: "findProviders", count: 1, cid: cid), as: [String].self)
            #expect(found == [network.ours[2].peer.host.peerID.description])
        }
        let theirs = Array("what go has".utf8)
        try await network.go[2].perform(
            .init(op: "provide", cid: ([0x01, 0x55, 0x12, 0x20] + SHA256.digest(theirs)).hexadecimal))
        for (_, table) in network.ours {
            let found = try await table.findProviders(of: [0x12, 0x20] + SHA256.digest(theirs), count: 1)
            #expect(found.map(\.id.description) == [network.go[2].peer])
        }
        let found = try await network.python.ask(
            .init(op: "findProviders", key: ([0x12, 0x20] + SHA256.digest(theirs)).hexadecimal), as: [String].self)
        #expect(found?.contains(network.go[2].peer) == true)
    }
}
