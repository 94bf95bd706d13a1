import Identity
import Libp2p
import Libuv
import Overlay
import Testing
import Wire

@Suite("Connecting two hosts", .serialized) struct ConnectingTests {
    @Test("authenticates and identifies both ways", arguments: [true, false])
    func identifies(sharingLoop: Bool) async throws {
        try await withHosts(2, sharingLoop: sharingLoop) { hosts in
            let events = await hosts[1].host.events()
            await hosts[1].host.handle(echoProtocol, handler: echo)
            try await hosts[0].connect(to: hosts[1])
            let seen = try await hosts[0].host.description(of: hosts[1].peerID)
            #expect(seen.agentVersion == "dsmp/0.1.0")
            #expect(seen.protocols?.contains(echoProtocol) == true)
            #expect(seen.listenAddresses == (await hosts[1].host.listenAddresses))
            #expect(seen.record?.addresses == seen.listenAddresses)
            #expect(seen.observedAddress != nil)
            let found = await TestHost.next(events) { event -> PeerDescription? in
                if case .identified(let peer, let description) = event, peer == hosts[0].peerID { return description }
                return nil
            }
            #expect(found?.publicKey?.peerID == hosts[0].peerID)
            let peers = await hosts[1].host.connectedPeers
            #expect(peers.map(\.peer) == [hosts[0].peerID])
            #expect(peers.first?.connections.first?.isInbound == true)
            #expect(await hosts[0].host.knownAddresses(of: hosts[1].peerID).isEmpty == false)
        }
    }

    @Test("says who connected and who left") func events() async throws {
        try await withHosts(2) { hosts in
            let events = await hosts[0].host.events()
            try await hosts[0].connect(to: hosts[1])
            await hosts[1].host.shutdown()
            var kinds: [String] = []
            for await event in events {
                switch event {
                case .connected(let peer): kinds.append(peer == hosts[1].peerID ? "connected" : "?")
                case .identified: kinds.append("identified")
                case .disconnected: kinds.append("disconnected")
                case .listening: break
                }
                if kinds.last == "disconnected" { break }
            }
            #expect(kinds == ["connected", "identified", "disconnected"])
            #expect(await hosts[0].host.connectedPeers.isEmpty)
        }
    }

    @Test("shares one attempt and one connection among many callers") func sharesDial() async throws {
        try await withHosts(2) { hosts in
            let addresses = await hosts[1].host.addresses
            try await withThrowingTaskGroup { group in
                for _ in 0..<16 {
                    group.addTask { try await hosts[0].host.connect(to: hosts[1].peerID, addresses: addresses) }
                }
                try await group.waitForAll()
            }
            #expect(await hosts[0].host.connectedPeer(hosts[1].peerID)?.connections.count == 1)
        }
    }

    @Test("works when both dial at once, and lets go of the second connection") func simultaneous() async throws {
        try await withHosts(
            2,
            configure: {
                $0.timeouts.duplicateMilliseconds = 50
                $0.timeouts.housekeepingMilliseconds = 20
            }
        ) { hosts in
            await hosts[0].host.handle(echoProtocol, handler: echo)
            await hosts[1].host.handle(echoProtocol, handler: echo)
            async let first: Void = hosts[0].connect(to: hosts[1])
            async let second: Void = hosts[1].connect(to: hosts[0])
            _ = try await (first, second)
            for (from, to) in [(0, 1), (1, 0)] {
                let stream = try await hosts[from].host.openStream(to: hosts[to].peerID, protocols: [echoProtocol])
                try await stream.write([1, 2, 3])
                stream.finishWriting()
                #expect(try await stream.readExactly(3) == [1, 2, 3])
                #expect(try await stream.read() == nil)
            }
            try await eventually(hosts[0].loop) {
                let counts = await [
                    hosts[0].host.connectedPeer(hosts[1].peerID)?.connections.count,
                    hosts[1].host.connectedPeer(hosts[0].peerID)?.connections.count,
                ]
                return counts == [1, 1]
            }
        }
    }

    @Test("refuses a peer that is not the one dialled") func wrongPeer() async throws {
        try await withHosts(3) { hosts in
            let addresses = await hosts[1].host.listenAddresses
            let error = await #expect(throws: HostError.self) {
                try await hosts[0].host.connect(to: hosts[2].peerID, addresses: addresses)
            }
            guard case .unreachable(let peer, let failures)? = error else { throw try #require(error) }
            #expect(peer == hosts[2].peerID)
            guard case .connection(.secureChannelFailed(.wrongPeer))? = failures.first?.reason else {
                Issue.record("\(failures)")
                return
            }
            #expect(await hosts[0].host.connectedPeers.isEmpty)
        }
    }

    @Test("does not connect to itself") func ownAddress() async throws {
        try await withHosts(1) { hosts in
            let addresses = await hosts[0].host.addresses
            let error = await #expect(throws: HostError.self) {
                try await hosts[0].host.connect(to: hosts[0].peerID, addresses: addresses)
            }
            guard case .ownPeerID? = error else { throw try #require(error) }
        }
    }

    @Test("tells every address that failed and why; a background dial then leaves them alone") func unreachable()
        async throws
    {
        try await withHosts(2, configure: { $0.timeouts.dialStaggerMilliseconds = 5 }) { hosts in
            let addresses = await hosts[1].host.listenAddresses
            await hosts[1].host.shutdown()
            let other = try Multiaddr("/ip4/127.0.0.1/udp/1/quic-v1")
            let error = await #expect(throws: HostError.self) {
                try await hosts[0].host.connect(to: hosts[1].peerID, addresses: addresses + [other])
            }
            let text = try #require(error).description
            #expect(text.contains("ECONNREFUSED"))
            #expect(text.contains("no transport"))
            let again = await #expect(throws: HostError.self) {
                try await hosts[0].host.connect(to: hosts[1].peerID, addresses: addresses, reason: .background)
            }
            #expect(try #require(again).description.contains("failed before"))
            let explicit = await #expect(throws: HostError.self) {
                try await hosts[0].host.connect(to: hosts[1].peerID, addresses: addresses)
            }
            #expect(try #require(explicit).description.contains("ECONNREFUSED"), "an explicit dial tries again")
        }
    }

    @Test("takes the address that works among dead ones, without waiting for them") func race() async throws {
        try await withHosts(2, configure: { $0.timeouts.dialStaggerMilliseconds = 20 }) { hosts in
            // Nobody answers at a test network (RFC 5737); port 9 refuses.
            let dead = try [Multiaddr("/ip4/127.0.0.1/tcp/9"), Multiaddr("/ip4/192.0.2.1/tcp/9")]
            let start = MonotonicClock.nowMilliseconds
            try await hosts[0].host.connect(
                to: hosts[1].peerID, addresses: dead + (await hosts[1].host.listenAddresses))
            #expect(MonotonicClock.nowMilliseconds - start < 4_000)
        }
    }

    @Test("needs an address") func noAddress() async throws {
        try await withHosts(1) { hosts in
            let stranger = try KeyPair(seed: [UInt8](repeating: 99, count: 32)).peerID
            let error = await #expect(throws: HostError.self) { try await hosts[0].host.connect(to: stranger) }
            guard case .noAddresses(stranger)? = error else { throw try #require(error) }
            let bare = try Multiaddr("/ip4/127.0.0.1/tcp/4001")
            await #expect(throws: HostError.self) { try await hosts[0].host.connect(to: bare) }
        }
    }

    @Test("says when its port is taken") func portTaken() async throws {
        try await withHosts(2) { hosts in
            let taken = try #require(await hosts[0].host.listenAddresses.first)
            let error = await #expect(throws: HostError.self) { try await hosts[1].host.listen(on: taken) }
            guard case .cannotListen(let reason)? = error else { throw try #require(error) }
            #expect(reason.code == .addressInUse)
        }
    }

    @Test("reaches a host by a domain name") func byName() async throws {
        try await withHosts(2) { hosts in
            let port = try #require(await hosts[1].host.listenAddresses.first?.tcpEndpoint?.port)
            let address = try Multiaddr("/dns4/localhost/tcp/\(port)")
            try await hosts[0].host.connect(to: hosts[1].peerID, addresses: [address])
            #expect(await hosts[0].host.isConnected(to: hosts[1].peerID))
        }
    }

    @Test("tells connected peers about a new protocol") func push() async throws {
        try await withHosts(2) { hosts in
            try await hosts[0].connect(to: hosts[1])
            _ = try await hosts[1].host.description(of: hosts[0].peerID)
            let events = await hosts[0].host.events()
            await hosts[1].host.handle("/dsmp-test/late/1", handler: echo)
            let protocols = await TestHost.next(events) { event -> [String]? in
                guard case .identified(let peer, let description) = event, peer == hosts[1].peerID else { return nil }
                return description.protocols?.contains("/dsmp-test/late/1") == true ? description.protocols : nil
            }
            #expect(protocols?.contains(Ping.protocolID) == true)
        }
    }

    @Test("pings, once or again and again over one stream") func ping() async throws {
        try await withHosts(2) { hosts in
            try await hosts[0].connect(to: hosts[1])
            #expect(try await hosts[0].host.ping(hosts[1].peerID) > 0)
            let stream = try await hosts[0].host.openPing(to: hosts[1].peerID)
            for _ in 0..<100 { #expect(try await stream.ping() > 0) }
            stream.close()
        }
    }

    @Test("keeps a banned peer out") func ban() async throws {
        try await withHosts(2) { hosts in
            try await hosts[0].connect(to: hosts[1])
            await hosts[1].host.ban(hosts[0].peerID, forMilliseconds: 1_000_000)
            try await eventually(hosts[0].loop) { await !hosts[0].host.isConnected(to: hosts[1].peerID) }
            let error = await #expect(throws: HostError.self) { try await hosts[1].host.connect(to: hosts[0].peerID) }
            guard case .banned? = error else { throw try #require(error) }
            // It can connect, as nobody knows who it is yet, and is dropped as soon as it is known.
            try? await hosts[0].host.connect(to: hosts[1].peerID)
            try await eventually(hosts[0].loop) { await !hosts[0].host.isConnected(to: hosts[1].peerID) }
        }
    }

    @Test("remembers peers over a restart") func store() async throws {
        let store = MemoryStore()
        let identity = try KeyPair(seed: [UInt8](repeating: 40, count: 32))
        try await withHosts(1) { hosts in
            for round in 0..<2 {
                let loop = EventLoop()
                let host = try Host(identity: identity, on: loop, store: store)
                await host.start()
                let given = round == 0 ? await hosts[0].host.addresses : []
                try await host.connect(to: hosts[0].peerID, addresses: given)
                _ = try await host.description(of: hosts[0].peerID)
                await host.shutdown()
                await loop.stop()
            }
            let saved = await store.loadPeers()
            #expect(saved.map(\.peer) == [hosts[0].peerID])
            #expect(saved.first?.agentVersion == "dsmp/0.1.0")
            #expect((saved.first?.lastConnectedUnixMilliseconds ?? 0) > 1_700_000_000_000)
        }
    }
}

private actor MemoryStore: PeerStore {
    private var peers: [KnownPeer] = []
    func loadPeers() -> [KnownPeer] { self.peers }
    func savePeers(_ peers: [KnownPeer]) { self.peers = peers }
}

@Suite("A peer book") struct PeerBookTests {
    private func peer(_ number: Int) throws -> PeerID {
        try KeyPair(seed: [UInt8](repeating: 0, count: 28) + [0, 0, UInt8(number / 256), UInt8(number % 256)]).peerID
    }

    @Test("keeps the most recent addresses of a peer, without its id") func addresses() throws {
        var book = PeerBook()
        let peer = try self.peer(1)
        for port in 1...20 {
            book.add([try Multiaddr("/ip4/192.0.2.1/tcp/\(port)").appending(peer.component)], of: peer)
        }
        let known = try #require(book[peer]?.addresses)
        #expect(known.count == PeerBook.maximumAddressesPerPeer)
        #expect(known.first?.description == "/ip4/192.0.2.1/tcp/20")
        #expect(known.last?.description == "/ip4/192.0.2.1/tcp/5")
    }

    @Test("forgets the peers that were of use the longest ago") func bound() throws {
        var book = PeerBook(maximumPeers: 16)
        let first = try self.peer(0)
        for number in 0...40 {
            book.add([try Multiaddr("/ip4/192.0.2.1/tcp/1")], of: try self.peer(number))
            book.add([try Multiaddr("/ip4/192.0.2.1/tcp/2")], of: first)
            #expect(book.count <= 16)
        }
        #expect(book[first] != nil)
        #expect(book[try self.peer(1)] == nil)
        #expect(book[try self.peer(40)] != nil)
        var restored = PeerBook(maximumPeers: 16)
        restored.restore(book.all)
        #expect(restored.all.map(\.peer) == book.all.map(\.peer))
    }
}
