import ControlAPI
import Core
import Identity
import Mesh
import Storage
import Testing
import Wire

@Suite("A restarted agent") struct RestartTests {
    let fixture = AgentFixture()

    @Test("has its workers, grants, members and subscriptions, and goes on counting") func keepsEverything()
        async throws
    {
        var publisher = try await self.fixture.start("publisher")
        var host = try await self.fixture.start("host")
        var consumer = try await self.fixture.start("consumer")
        let upper = try await publisher.publish(PublishRequest(folder: self.fixture.worker("upper")))
        let sauce = try await publisher.publish(
            PublishRequest(folder: self.fixture.worker("sauce", visibility: .private)))
        for worker in ["upper", "sauce"] {
            _ = try await publisher.grant(GrantRequest(worker: worker, peer: host.peerID.description, role: .host))
        }
        _ = try await publisher.grant(
            GrantRequest(worker: "sauce", peer: consumer.peerID.description, role: .consumer))
        for worker in [upper.worker, sauce.worker] { _ = try await host.host(HostRequest(worker: worker)) }
        for worker in [upper.worker, sauce.worker] {
            _ = try await consumer.subscribe(WorkerReference(worker: worker))
        }
        let subscriptions = try await consumer.subscriptions()
        for agent in [publisher, host, consumer] { await agent.stop() }

        publisher = try await self.fixture.start("publisher")
        host = try await self.fixture.start("host")
        consumer = try await self.fixture.start("consumer")
        for agent in [publisher, host, consumer] { await agent.settle() }
        for agent in [publisher, host] {
            let workers = try await agent.workers()
            #expect(
                workers.map(\.worker) == [sauce.worker, upper.worker] && workers.allSatisfy { $0.state == .running })
        }
        #expect(try await consumer.subscriptions() == subscriptions)
        for name in ["upper", "sauce"] { #expect(try await consumer.answer(name) == "HELLO") }
        let detail = try await publisher.worker(WorkerReference(worker: "sauce"))
        #expect(detail.grants.count == 2 && detail.sequence > sauce.sequence)
        // The host serves the members by itself.
        self.fixture.mesh.cutOff(publisher.peerID)
        for name in ["upper", "sauce"] { #expect(try await consumer.answer(name) == "HELLO") }
        for agent in [publisher, host, consumer] { await agent.stop() }
    }

    @Test("never signs an older sequence, even with its clock turned back") func sequences() async throws {
        var publisher = try await self.fixture.start("publisher")
        let folder = try self.fixture.worker("upper")
        var last: UInt64 = 0
        for _ in 0..<3 {
            let published = try await publisher.publish(PublishRequest(folder: folder))
            #expect(published.sequence > last)
            last = published.sequence
            await publisher.stop()
            publisher = try await self.fixture.start("publisher")
            let detail = try await publisher.worker(WorkerReference(worker: "upper"))
            #expect(detail.sequence > last)
            last = detail.sequence
        }
        _ = try await publisher.unpublish(WorkerReference(worker: "upper"))
        let again = try await publisher.publish(PublishRequest(folder: folder))
        #expect(again.sequence > last)
        await publisher.stop()
    }

    @Test("withdraws what nobody else hosts when it stops, and leaves the rest") func withdrawsAtStop() async throws {
        let publisher = try await self.fixture.start("publisher")
        let host = try await self.fixture.start("host")
        let consumer = try await self.fixture.start("consumer")
        let alone = try await publisher.publish(PublishRequest(folder: self.fixture.worker("alone")))
        let shared = try await publisher.publish(PublishRequest(folder: self.fixture.worker("shared")))
        _ = try await publisher.grant(
            GrantRequest(worker: "shared", peer: host.peerID.description, role: .host))
        _ = try await host.host(HostRequest(worker: shared.worker))
        #expect(try await consumer.names("text") == ["alone", "shared"])
        await publisher.stop()
        #expect(try await consumer.names("text") == ["shared"])
        #expect(try await consumer.names(alone.worker) == [])
        #expect(try await consumer.answer(shared.worker) == "HELLO")
        for agent in [host, consumer] { await agent.stop() }
    }

    @Test("is the only one on its data folder") func secondAgent() async throws {
        let agent = try await self.fixture.start("one")
        await #expect(throws: AgentStartError.self) { _ = try await self.fixture.start("one") }
        #expect(try await agent.status().workers == 0)
        await agent.stop()
        let next = try await self.fixture.start("one")
        #expect(next.peerID == agent.peerID)
        await next.stop()
    }

    @Test("renews its records before they expire") func renews() async throws {
        let publisher = try await self.fixture.start("publisher")
        let consumer = try await self.fixture.start("consumer")
        let published = try await publisher.publish(PublishRequest(folder: self.fixture.worker("upper")))
        for _ in 0..<6 {
            self.fixture.clock.advance(milliseconds: 9 * 3_600_000)
            await publisher.maintain()
            #expect(try await consumer.answer(published.worker) == "HELLO")
        }
        // Unattended, it disappears.
        self.fixture.clock.advance(milliseconds: 8 * 86_400_000)
        #expect(try await consumer.names(published.worker) == [])
        for agent in [publisher, consumer] { await agent.stop() }
    }
}
