import Mesh
import ControlAPI
import Core
import Testing

@Suite("Scratch") struct ScratchTests {
    @Test func scratch() async throws {
        let fixture = AgentFixture()
        let publisher = try await fixture.start("publisher")
        _ = try await publisher.publish(PublishRequest(folder: fixture.worker("upper")))
        let exchange = try await publisher.call(CallRequest(worker: "upper", method: "run", deadlineMilliseconds: 5000))
        print("opened", exchange)
        try await exchange.send(Array("hello".utf8))
        print("sent")
        try await exchange.finishSending()
        print("finished")
        while let m = try await exchange.receive() { print("got", m) }
        print(try await publisher.logs(LogsRequest(worker: "upper")).lines.map(\.text))
        await publisher.stop()
    }
}
