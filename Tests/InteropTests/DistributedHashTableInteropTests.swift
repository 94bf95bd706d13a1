import Cryptography
import Identity
import Kademlia
import Libuv
import Overlay
import Testing
import Wire

/// One table with go-libp2p's: both implementations in one network under the prefix `/ipfs`.
@Suite("A table shared with go-libp2p", .serialized, .timeLimit(.minutes(4))) struct DistributedHashTableInteropTests {
    /// Ours and theirs, all connected to the first of ours.
    struct Network {
        var ours: [(peer: OurPeer, table: DistributedHashTable)] = []
        var go: [ForeignPeer] = []
    }

    static let validators = ValidatorRegistry(["ipns": NameValidator(), "pk": PublicKeyValidator()])

    /// Runs a test in a network of some of ours and some of theirs, none of which knows more than the first of ours.
    private func withNetwork(
        ours ourCount: Int, go goCount: Int, _ body: (Network) async throws -> Void
    ) async throws {
        var network = Network()
        let result: Result<Void, any Error>
        do {
            for _ in 0..<ourCount {
                let peer = try await OurPeer()
                var configuration = DistributedHashTableConfiguration()
                configuration.prefix = "/ipfs"
                let table = try DistributedHashTable(
                    on: peer.host, configuration: configuration, validators: Self.validators)
                await table.start()
                network.ours.append((peer, table))
                if let first = network.ours.first, network.ours.count > 1 {
                    try await table.bootstrap(await first.peer.host.addresses)
                }
            }
            let first = network.ours[0].peer
            for _ in 0..<goCount {
                let foreign = try ForeignPeer(.go)
                network.go.append(foreign)
                try await foreign.perform(
                    .init(op: "connect", peer: first.host.peerID.description, addresses: [first.address.description]))
            }
            // All of them have said who they are, and answered.
            let table = network.ours[0].table
            try await self.eventually(first.loop, "everybody is in the first table") {
                await table.routingTable.peers.count == ourCount + goCount - 1
            }
            result = .success(try await body(network))
        } catch {
            result = .failure(error)
        }
        for node in network.ours {
            await node.table.stop()
            await node.peer.close()
        }
        try result.get()
    }

    private func eventually(
        _ loop: EventLoop, _ what: String, _ condition: () async throws -> Bool
    ) async throws {
        let deadline = MonotonicClock.nowMilliseconds + 30_000
        while try await !condition() {
            guard MonotonicClock.nowMilliseconds < deadline else {
                throw ForeignPeer.Failure(description: "not within 30 seconds: \(what)")
            }
            try await loop.sleep(milliseconds: 20)
        }
    }

    @Test("finds peers in both directions") func findsPeers() async throws {
        try await self.withNetwork(ours: 2, go: 3) { network in
            for go in network.go {
                let found = try await network.ours[1].table.findPeer(try PeerID(go.peer))
                try await network.ours[1].peer.host.connect(to: found.id, addresses: found.addresses)
                #expect(await network.ours[1].table.routingTable.peers.contains { $0.contact.id == found.id })
            }
            let second = network.ours[1].peer
            let addresses = try await network.go[2].ask(
                .init(op: "findPeer", peer: second.host.peerID.description), as: [String].self)
            #expect(addresses?.contains(second.address.description) == true)
            let closest = try await network.go[0].ask(
                .init(op: "closest", key: second.host.peerID.bytes.hexadecimal), as: [String].self)
            #expect(closest?.contains(second.host.peerID.description) == true)
        }
    }

    @Test("provides and finds providers in both directions") func providers() async throws {
        try await self.withNetwork(ours: 2, go: 3) { network in
            func content(_ name: String) throws -> (cid: CID, key: [UInt8]) {
                let cid = try CID.raw(sha256: SHA256.digest(Array(name.utf8)))
                return (cid, cid.multihash.bytes)
            }
            let ours = try content("provided by us")
            let taken = try await network.ours[1].table.provide(ours.key)
            #expect(taken.count == 4)
            for go in network.go {
                let found = try await go.ask(
                    .init(op: "findProviders", count: 1, cid: ours.cid.bytes.hexadecimal), as: [String].self)
                #expect(found == [network.ours[1].peer.host.peerID.description])
            }
            let theirs = try content("provided by go")
            try await network.go[1].perform(.init(op: "provide", cid: theirs.cid.bytes.hexadecimal))
            for node in network.ours {
                let found = try await node.table.findProviders(of: theirs.key)
                #expect(found.map(\.id.description) == [network.go[1].peer])
                #expect(found.first?.addresses.isEmpty == false)
            }
        }
    }

    @Test("puts and gets records of names in both directions, the newest wins") func names() async throws {
        try await self.withNetwork(ours: 2, go: 3) { network in
            let signer = try KeyPair(seed: SecureRandom.bytes(32))
            let key = Array("/ipns/".utf8) + signer.peerID.bytes
            func record(_ sequence: UInt64) -> [UInt8] {
                NameRecord.make(key: signer, value: "/ipfs/sequence-\(sequence)", sequence: sequence)
            }
            let taken = try await network.ours[1].table.putValue(record(1), forKey: key)
            #expect(taken.count == 4)
            for go in network.go {
                let got = try await go.ask(.init(op: "get", key: key.hexadecimal), as: String.self)
                #expect(got == record(1).hexadecimal)
            }
            try await network.go[0].perform(
                .init(op: "put", key: key.hexadecimal, value: record(2).hexadecimal))
            for node in network.ours { #expect(try await node.table.value(forKey: key) == record(2)) }
            // A record that is older than what the peers hold is refused by every implementation.
            await #expect(throws: DistributedHashTableError.self) {
                try await network.ours[0].table.putValue(record(1), forKey: key)
            }
            let got = try await network.go[2].ask(.init(op: "get", key: key.hexadecimal), as: String.self)
            #expect(got == record(2).hexadecimal)
        }
    }

    @Test("puts and gets public keys in both directions") func publicKeys() async throws {
        try await self.withNetwork(ours: 2, go: 2) { network in
            let (first, second) = (
                try KeyPair(seed: SecureRandom.bytes(32)), try KeyPair(seed: SecureRandom.bytes(32))
            )
            func key(_ pair: KeyPair) -> [UInt8] { Array("/pk/".utf8) + pair.peerID.bytes }
            try await network.ours[1].table.putValue(first.publicKey.protobuf, forKey: key(first))
            let got = try await network.go[1].ask(.init(op: "get", key: key(first).hexadecimal), as: String.self)
            #expect(got == first.publicKey.protobuf.hexadecimal)
            try await network.go[0].perform(
                .init(op: "put", key: key(second).hexadecimal, value: second.publicKey.protobuf.hexadecimal))
            for node in network.ours {
                #expect(try await node.table.value(forKey: key(second)) == second.publicKey.protobuf)
            }
        }
    }
}
