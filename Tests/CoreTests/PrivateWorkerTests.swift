import ControlAPI
import Core
import Identity
import Mesh
import Synchronization
import Testing
import Wire

@Suite("A private worker of an agent") struct PrivateWorkerTests {
    let fixture = AgentFixture()

    @Test("is found and called by a grantee alone") func granteeOnly() async throws {
        let publisher = try await self.fixture.start("publisher")
        let member = try await self.fixture.start("member")
        let stranger = try await self.fixture.start("stranger")
        let published = try await publisher.publish(
            PublishRequest(folder: self.fixture.worker("sauce", visibility: .private)))
        #expect(published.visibility == .private)
        #expect(await member.code { try await $0.answer(published.worker) } == .notFound)
        let grant = try await publisher.grant(
            GrantRequest(worker: "sauce", peer: member.peerID.description, role: .consumer))
        #expect(grant.role == .consumer && grant.release == nil && grant.grant == nil)

        #expect(try await member.answer(published.worker) == "HELLO")
        #expect(try await member.names(published.worker) == ["sauce"])
        #expect(try await member.names("sauce") == ["sauce"])
        _ = try await member.subscribe(WorkerReference(worker: published.worker))
        #expect(try await member.answer("sauce") == "HELLO")
        #expect(try await member.subscriptions().map(\.visibility) == [.private])

        for query in ["sauce", "text", "worker of the tests", "", published.worker] {
            #expect(try await stranger.names(query) == [], "\(query)")
        }
        #expect(await stranger.code { try await $0.answer(published.worker) } == .notFound)
        let subscription = WorkerReference(worker: published.worker)
        #expect(await stranger.code { try await $0.subscribe(subscription) } == .notFound)
        #expect(await stranger.code { try await $0.worker(subscription) } == .notFound)
        for agent in [publisher, member, stranger] { await agent.stop() }
    }

    @Test("is refused to a stranger with the bytes that answer for a worker that never was") func refusalBytes()
        async throws
    {
        let publisher = try await self.fixture.start("publisher")
        let stranger = try RawPeer(on: self.fixture.mesh)
        let published = try await publisher.publish(
            PublishRequest(folder: self.fixture.worker("sauce", visibility: .private)))
        let secret = try WorkerName(published.worker)
        let never = try WorkerName(publisher: publisher.peerID, name: "never")
        let proofs: [[UInt8]] = [[], [UInt8](repeating: 7, count: 32)]
        var answers: Set<[UInt8]> = []
        for worker in [secret, never] {
            for proof in proofs {
                let header = CallHeader(worker: worker, method: "run", proof: proof)
                answers.insert(try await stranger.call(header, at: publisher.peerID))
            }
        }
        #expect(answers.count == 1)
        #expect(answers.first == CallFrame.status(.noSuchWorker).bytes)
        // The grant and the release are refused with the same bytes as well.
        var grants: Set<[UInt8]> = []
        for worker in [secret, never] {
            grants.insert(
                try await stranger.ask("/dsmp/grant/1", GrantQuery.get(worker).payload, at: publisher.peerID))
        }
        #expect(grants.count == 1)
        var blocks: Set<[UInt8]> = []
        for cid in [try CID(published.release), try CID.raw(sha256: [UInt8](repeating: 1, count: 32))] {
            blocks.insert(
                try await stranger.ask("/dsmp/block/1", BlockQuery(cid: cid).payload, at: publisher.peerID))
        }
        #expect(blocks.count == 1)
        var catalogs: Set<[UInt8]> = []
        for worker in [secret, never] {
            for subject in [CatalogQuery.Subject.worker(worker), .name(worker.name), .text(worker.name)] {
                catalogs.insert(
                    try await stranger.ask(
                        "/dsmp/catalog/1", CatalogQuery(subject).payload, at: publisher.peerID))
            }
        }
        #expect(catalogs.count == 1)
        await publisher.stop()
    }

    @Test("shows nowhere in what is stored on the mesh") func storesNothingReadable() async throws {
        let publisher = try await self.fixture.start("publisher")
        let member = try await self.fixture.start("member")
        _ = try await publisher.publish(PublishRequest(folder: self.fixture.worker("sauce", visibility: .private)))
        _ = try await publisher.grant(
            GrantRequest(worker: "sauce", peer: member.peerID.description, role: .consumer))
        let worker = try WorkerName(publisher: publisher.peerID, name: "sauce")
        let stored = self.fixture.mesh.everythingStored
        #expect(stored.count > 4)
        for bytes in stored { #expect(!String(decoding: bytes, as: UTF8.self).contains("sauce")) }
        for key in [
            MeshKey.hosts(of: worker), MeshKey.name("sauce"), MeshKey.tag("text"), MeshKey.descriptor(of: worker),
        ] {
            #expect(!stored.contains(key))
        }
        for agent in [publisher, member] { await agent.stop() }
    }

    @Test("is closed to a revoked member at once, at every host, and stays open to the others") func revocation()
        async throws
    {
        let publisher = try await self.fixture.start("publisher")
        let host = try await self.fixture.start("host")
        let first = try await self.fixture.start("first")
        let second = try await self.fixture.start("second")
        let published = try await publisher.publish(
            PublishRequest(folder: self.fixture.worker("sauce", visibility: .private)))
        for member in [first, second] {
            _ = try await publisher.grant(
                GrantRequest(worker: "sauce", peer: member.peerID.description, role: .consumer))
        }
        _ = try await publisher.grant(GrantRequest(worker: "sauce", peer: host.peerID.description, role: .host))
        #expect(try await host.host(HostRequest(worker: published.worker)).state == .running)
        for member in [first, second] { #expect(try await member.answer(published.worker) == "HELLO") }
        #expect(try await first.find(FindRequest(query: published.worker)).first?.hosts.count == 2)

        let revoked = try await publisher.revoke(RevokeRequest(worker: "sauce", peer: first.peerID.description))
        #expect(revoked.revoked == [.consumer] && revoked.epoch == 2)
        await publisher.settle()
        await host.settle()
        #expect(await first.code { try await $0.answer(published.worker) } == .notFound)
        #expect(try await second.answer(published.worker) == "HELLO")
        // The other host has the new secret too.
        self.fixture.mesh.cutOff(publisher.peerID)
        #expect(await first.code { try await $0.answer(published.worker) } != nil)
        #expect(try await second.answer(published.worker) == "HELLO")
        for agent in [publisher, host, first, second] { await agent.stop() }
    }

    @Test("goes on at a host that learns the new secret from its slot") func hostReadsSlot() async throws {
        let publisher = try await self.fixture.start("publisher")
        let host = try await self.fixture.start("host")
        let first = try await self.fixture.start("first")
        let second = try await self.fixture.start("second")
        let published = try await publisher.publish(
            PublishRequest(folder: self.fixture.worker("sauce", visibility: .private)))
        for member in [first, second] {
            _ = try await publisher.grant(
                GrantRequest(worker: "sauce", peer: member.peerID.description, role: .consumer))
        }
        _ = try await publisher.grant(GrantRequest(worker: "sauce", peer: host.peerID.description, role: .host))
        _ = try await host.host(HostRequest(worker: published.worker))
        self.fixture.mesh.cutOff(host.peerID)
        _ = try await publisher.revoke(RevokeRequest(worker: "sauce", peer: first.peerID.description))
        await publisher.settle()
        self.fixture.mesh.restore(host.peerID)
        self.fixture.mesh.cutOff(publisher.peerID)
        await host.maintain()
        #expect(try await second.answer(published.worker) == "HELLO")
        #expect(await first.code { try await $0.answer(published.worker) } != nil)
        for agent in [publisher, host, first, second] { await agent.stop() }
    }

    @Test("that becomes public can be found, and one that becomes private cannot any more") func changesVisibility()
        async throws
    {
        let publisher = try await self.fixture.start("publisher")
        let stranger = try await self.fixture.start("stranger")
        let folder = try self.fixture.worker("upper")
        let open = try await publisher.publish(PublishRequest(folder: folder))
        #expect(try await stranger.answer(open.worker) == "HELLO")
        let closed = try await publisher.publish(PublishRequest(folder: folder, visibility: .private))
        #expect(closed.visibility == .private && closed.sequence > open.sequence)
        #expect(await stranger.code { try await $0.answer(open.worker) } != nil)
        #expect(try await stranger.names("upper") == [])
        #expect(try await stranger.names(open.worker) == [])
        _ = try await publisher.publish(PublishRequest(folder: folder, visibility: .public))
        #expect(try await stranger.names("upper") == ["upper"])
        #expect(try await stranger.answer(open.worker) == "HELLO")
        for agent in [publisher, stranger] { await agent.stop() }
    }
}
