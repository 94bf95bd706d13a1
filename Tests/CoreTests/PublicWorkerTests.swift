import ControlAPI
import Core
import Identity
import Mesh
import Synchronization
import TestKit
import Testing
import Wire

@Suite("A public worker") struct PublicWorkerTests {
    let fixture = AgentFixture()

    @Test("is published, found by name, tag and text, and called from another agent") func publishFindCall()
        async throws
    {
        let publisher = try await self.fixture.start("publisher")
        let consumer = try await self.fixture.start("consumer")
        let published = try await publisher.publish(PublishRequest(folder: self.fixture.worker("upper")))
        #expect(published.worker == "dsmp://\(publisher.peerID)/upper")
        for query in ["upper", "text", "worker of the tests", published.worker, ""] {
            let found = try await consumer.find(FindRequest(query: query))
            #expect(found.map(\.worker) == [published.worker], "\(query)")
            #expect(found.first?.hosts == [publisher.peerID.description])
            #expect(found.first?.publisher == publisher.peerID.description)
        }
        #expect(try await consumer.names("nothing") == [])
        #expect(try await consumer.answer(published.worker) == "HELLO")
        let local = try await publisher.answer("upper")
        #expect(local == "HELLO")
        let counters = try await publisher.counters()
        #expect(counters.callsServed == 1 && counters.callsServedFailed == 0 && counters.runningWorkers == 1)
        await publisher.stop()
        await consumer.stop()
    }

    @Test("is nobody else's by its bare name: a stranger's is not called, a subscription is") func bareNames()
        async throws
    {
        let publisher = try await self.fixture.start("publisher")
        let consumer = try await self.fixture.start("consumer")
        let published = try await publisher.publish(PublishRequest(folder: self.fixture.worker("upper")))
        #expect(await consumer.code { try await $0.answer("upper") } == .notFound)
        let subscription = try await consumer.subscribe(WorkerReference(worker: published.worker))
        #expect(subscription.worker == published.worker)
        #expect(try await consumer.answer("upper") == "HELLO")
        // Its own worker of the same name makes the bare name ambiguous.
        let own = try await consumer.publish(PublishRequest(folder: self.fixture.worker("upper")))
        #expect(await consumer.code { try await $0.answer("upper") } == .usage)
        #expect(try await consumer.answer(own.worker) == "HELLO")
        _ = try await consumer.unpublish(WorkerReference(worker: own.worker))
        _ = try await consumer.unsubscribe(WorkerReference(worker: "upper"))
        #expect(await consumer.code { try await $0.answer("upper") } == .notFound)
        #expect(try await consumer.subscriptions().isEmpty)
        await publisher.stop()
        await consumer.stop()
    }

    @Test("is hosted by others only with a grant, and called there when its publisher is gone") func failover()
        async throws
    {
        let publisher = try await self.fixture.start("publisher")
        let host = try await self.fixture.start("host")
        let consumer = try await self.fixture.start("consumer")
        let published = try await publisher.publish(PublishRequest(folder: self.fixture.worker("upper")))
        let request = HostRequest(worker: published.worker)
        #expect(await host.code { try await $0.host(request) } == .refused)
        let grant = try await publisher.grant(
            GrantRequest(worker: "upper", peer: host.peerID.description, role: .host))
        #expect(grant.release == published.release)
        let hosted = try await host.host(request)
        #expect(hosted.state == .running && !hosted.published && hosted.release == published.release)
        let found = try await consumer.find(FindRequest(query: "upper"))
        #expect(found.first?.hosts.count == 2)
        #expect(try await consumer.answer(published.worker) == "HELLO")
        self.fixture.mesh.cutOff(publisher.peerID)
        for _ in 0..<3 { #expect(try await consumer.answer(published.worker) == "HELLO") }
        self.fixture.mesh.cutOff(host.peerID)
        #expect(await consumer.code { try await $0.answer(published.worker) } == .unreachable)
        for agent in [publisher, host, consumer] { await agent.stop() }
    }

    @Test("is withdrawn when it is unpublished, and then not found") func unpublish() async throws {
        let publisher = try await self.fixture.start("publisher")
        let consumer = try await self.fixture.start("consumer")
        let published = try await publisher.publish(PublishRequest(folder: self.fixture.worker("upper")))
        #expect(try await consumer.names("upper") == ["upper"])
        let summary = try await publisher.unpublish(WorkerReference(worker: "upper"))
        #expect(summary.state == .stopped)
        #expect(try await consumer.names("upper") == [])
        #expect(try await consumer.names(published.worker) == [])
        #expect(try await publisher.workers().isEmpty)
        #expect(await consumer.code { try await $0.answer(published.worker) } != nil)
        await publisher.stop()
        await consumer.stop()
    }

    @Test("is not called at a host whose grant has expired") func expiredGrant() async throws {
        let publisher = try await self.fixture.start("publisher")
        let host = try await self.fixture.start("host")
        let consumer = try await self.fixture.start("consumer")
        let published = try await publisher.publish(PublishRequest(folder: self.fixture.worker("upper")))
        _ = try await publisher.grant(
            GrantRequest(worker: "upper", peer: host.peerID.description, role: .host, validSeconds: 3_600))
        _ = try await host.host(HostRequest(worker: published.worker))
        self.fixture.mesh.cutOff(publisher.peerID)
        #expect(try await consumer.answer(published.worker) == "HELLO")
        self.fixture.clock.advance(milliseconds: 3_600_000)
        #expect(await consumer.code { try await $0.answer(published.worker) } == .unreachable)
        for agent in [publisher, host, consumer] { await agent.stop() }
    }

    @Test("is not called at a host whose grant was revoked") func revokedHost() async throws {
        let publisher = try await self.fixture.start("publisher")
        let host = try await self.fixture.start("host")
        let consumer = try await self.fixture.start("consumer")
        let published = try await publisher.publish(PublishRequest(folder: self.fixture.worker("upper")))
        let peer = host.peerID.description
        _ = try await publisher.grant(GrantRequest(worker: "upper", peer: peer, role: .host))
        _ = try await host.host(HostRequest(worker: published.worker))
        let revoked = try await publisher.revoke(RevokeRequest(worker: "upper", peer: peer))
        #expect(revoked.revoked == [.host] && revoked.epoch == nil)
        let found = try await consumer.find(FindRequest(query: published.worker))
        #expect(found.first?.hosts == [publisher.peerID.description])
        self.fixture.mesh.cutOff(publisher.peerID)
        #expect(await consumer.code { try await $0.answer(published.worker) } == .unreachable)
        #expect(await publisher.code { try await $0.revoke(RevokeRequest(worker: "upper", peer: peer)) } == .notFound)
        for agent in [publisher, host, consumer] { await agent.stop() }
    }

    @Test("is not spoofed by peers that say they host it") func forgedHints() async throws {
        let publisher = try await self.fixture.start("publisher")
        let liar = try await self.fixture.start("liar")
        let consumer = try await self.fixture.start("consumer")
        let published = try await publisher.publish(PublishRequest(folder: self.fixture.worker("upper")))
        // The liar publishes a worker of the same name and provides the keys of the other.
        _ = try await liar.publish(PublishRequest(folder: self.fixture.worker("upper", entry: "[/usr/bin/rev]")))
        let worker = try WorkerName(published.worker)
        self.fixture.mesh.state.withLock { state in
            state.providers[MeshKey.hosts(of: worker)]?.insert(liar.peerID, at: 0)
        }
        for _ in 0..<5 { #expect(try await consumer.answer(published.worker) == "HELLO") }
        let found = try await consumer.find(FindRequest(query: published.worker))
        #expect(found.map(\.hosts) == [[publisher.peerID.description]])
        #expect(self.fixture.mesh.links(from: consumer.peerID, to: liar.peerID, "/dsmp/call/1").isEmpty)
        for agent in [publisher, liar, consumer] { await agent.stop() }
    }

    @Test("is upgraded here and at its hosts") func upgrade() async throws {
        let publisher = try await self.fixture.start("publisher")
        let host = try await self.fixture.start("host")
        let first = try await publisher.publish(PublishRequest(folder: self.fixture.worker("text")))
        _ = try await publisher.grant(
            GrantRequest(worker: "text", peer: host.peerID.description, role: .host))
        _ = try await host.host(HostRequest(worker: first.worker))
        let second = try await publisher.publish(
            PublishRequest(folder: self.fixture.worker("text", release: "1.1.0", entry: "[/usr/bin/rev]")))
        #expect(second.sequence > first.sequence && second.release != first.release)
        #expect(try await publisher.answer("text", "abc\n") == "cba\n")
        await publisher.settle()
        await host.settle()
        #expect(try await host.workers().map(\.release) == [second.release])
        #expect(try await host.answer("text", "abc\n") == "cba\n")
        for agent in [publisher, host] { await agent.stop() }
    }
}
