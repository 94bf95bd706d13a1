import ControlAPI
import ControlClient
import Foundation
import Glibc
import TestKit
import Testing

@Suite("What was promised") struct SurvivalTests {
    @Test("is there after kill -9: workers, hosts, grants, subscriptions, records, sequences") func killAndRestart()
        async throws
    {
        let publisher = try await LiveAgent.start()
        let host = try await LiveAgent.start(bootstrap: [publisher])
        let consumer = try await LiveAgent.start(bootstrap: [publisher])
        let worker = try await NewWorker("hello", kind: "exec")
        try await publisher.must("worker", "publish", worker.path)
        let name = "dsmp://\(try await publisher.status().peerID)/hello"
        try await publisher.must("worker", "grant", "hello", "--host", try await host.status().peerID)
        try await host.eventually("worker", "host", name)
        try await consumer.eventually("subscribe", name)
        let before = try await Self.sequence(publisher, name)

        for agent in [publisher, host, consumer] { #expect(await agent.end(SIGKILL) == 128 + SIGKILL) }
        // With the same data folders, at other addresses.
        let publisherAgain = try await LiveAgent.start(continuing: publisher)
        let hostAgain = try await LiveAgent.start(continuing: host, bootstrap: [publisherAgain])
        let consumerAgain = try await LiveAgent.start(continuing: consumer, bootstrap: [publisherAgain])

        #expect(try await publisherAgain.must("worker", "list", "--json").contains(name))
        #expect(try await hostAgain.must("worker", "list", "--json").contains(name))
        #expect(try await consumerAgain.must("subs", "--json").contains(name))
        #expect(try await Self.sequence(publisherAgain, name) > before)
        // By its bare name, because the subscription is there.
        let greeting = try await consumerAgain.eventually(
            "call", "hello", "greet", "--input", "-", input: Array("you\n".utf8))
        #expect(greeting == "Hello, you!\n")

        // The publisher gone, its host answers alone.
        await publisherAgain.end(SIGKILL)
        let alone = try await consumerAgain.eventually(
            "call", name, "greet", "--input", "-", input: Array("you\n".utf8))
        #expect(alone == "Hello, you!\n")
    }

    private static func sequence(_ agent: LiveAgent, _ name: String) async throws -> UInt64 {
        try await agent.client.ask(.worker, WorkerReference(worker: name), as: WorkerDetail.self).sequence
    }

    @Test("ends well when the agent is asked to end", arguments: [SIGTERM, SIGINT]) func gracefulEnd(signal: Int32)
        async throws
    {
        let agent = try await LiveAgent.start()
        let worker = try await NewWorker("hello", kind: "python")
        try await agent.must("worker", "publish", worker.path)
        #expect(await agent.end(signal) == 0)
        #expect(!FileManager.default.fileExists(atPath: agent.data + "/control.sock"))
        try await agent.start()
        #expect(
            try await agent.must("call", "hello", "greet", "--input", "-", input: Array("you".utf8)) == "Hello, you!\n")
    }

    /// The agent runs on a file system of its own that the test fills.
    @Test("is kept on a full disk, which is told and not fatal") func fullDisk() async throws {
        let folder = try TemporaryFolder()
        let mount = folder.file("small")
        let script = """
            mkdir -m 700 "$1" && mount -t tmpfs -o size=3m,mode=0700 tmpfs "$1" && exec "$2" agent run --data "$1" \
            --listen /ip4/127.0.0.1/tcp/0
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/unshare")
        let mapping = geteuid() == 0 ? ["--mount"] : ["--mount", "--map-root-user"]
        process.arguments = mapping + ["/bin/sh", "-c", script, "sh", mount, Program.dsmp]
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer { kill(process.processIdentifier, SIGKILL) }
        // Both programs replace themselves, so that the process is the agent; its root shows the file system.
        let data = "/proc/\(process.processIdentifier)/root\(mount)"
        let ready = try await Program.dsmp("status", "--wait", "30", data: data)
        try #require(ready.status == 0, "\(ready.errors)")
        let worker = try await NewWorker("hello", kind: "exec")
        let first = try await Program.dsmp("worker", "publish", worker.path, data: data)
        try #require(first.status == 0, "\(first.errors)")

        #expect(try await Program.run("/bin/sh", ["-c", "cat /dev/zero >\"$1/filler\"", "sh", data]).status != 0)
        let second = try await NewWorker("second", kind: "python")
        let refused = try await Program.dsmp("worker", "publish", second.path, data: data)
        #expect(refused.status == 1, "\(refused.errors)")
        #expect(refused.errors.lowercased().contains("space") || refused.errors.contains("full"), "\(refused.errors)")
        let call = try await Program.dsmp(
            "call", "hello", "greet", "--input", "-", input: Array("you\n".utf8), data: data)
        #expect(call.text == "Hello, you!\n", "\(call.errors)")

        unlink(data + "/filler")
        let retried = try await Program.dsmp("worker", "publish", second.path, data: data)
        #expect(retried.status == 0, "\(retried.errors)")
        let list = try await Program.dsmp("worker", "list", "--json", data: data)
        #expect(list.text.contains("/hello") && list.text.contains("/second"))
    }
}
