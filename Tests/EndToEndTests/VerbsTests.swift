import ControlAPI
import Foundation
import Glibc
import TestKit
import Testing

@Suite("The command line and real agents") struct VerbsTests {
    @Test("call in bounded time, and say why a call fails") func calls() async throws {
        let agent = try await LiveAgent.start()
        let folder = try TemporaryFolder()
        try """
        name: unix
        kind: exec
        entry: [/bin/cat]
        release: 1.0.0
        methods:
          cat: {streaming: both}
          wait: {argv: [/bin/sleep, "600"]}
          fail: {argv: [/bin/sh, -c, "echo half; echo it broke >&2; exit 3"]}

        """.write(toFile: folder.file("worker.yaml"), atomically: true, encoding: .utf8)
        try await agent.must("worker", "publish", folder.path)
        var random = SplitMix64(seed: 11)
        let bytes = random.bytes(3_000_000)
        let echo = try await agent.run("call", "unix", "cat", "--input", "-", input: bytes)
        #expect(echo.status == 0)
        #expect(echo.output == bytes)
        let file = folder.file("input")
        try Data(bytes).write(to: URL(filePath: file))
        #expect(try await agent.run("call", "unix", "cat", "--input", file).output == bytes)
        #expect(try await agent.run("call", "unix", "cat").output.isEmpty)
        let late = try await agent.run("call", "unix", "wait", "--deadline", "0.3", "--json")
        #expect(late.status == 3 && late.errors.contains("timeout"), "\(late.errors)")
        let failed = try await agent.run("call", "unix", "fail")
        #expect(failed.status == 1 && failed.errors.contains("it broke"), "\(failed.errors)")
        #expect(failed.text == "half\n" || failed.text.isEmpty)
        let noMethod = try await agent.run("call", "unix", "nothing")
        #expect(noMethod.status == 3, "\(noMethod.errors)")
        let noWorker = try await agent.run("call", "stranger", "cat", "--json")
        #expect(noWorker.status == 3 && noWorker.errors.contains("notFound"), "\(noWorker.errors)")
        let noFile = try await agent.run("call", "unix", "cat", "--input", "/does/not/exist")
        #expect(noFile.status == 1 && noFile.errors.contains("/does/not/exist"))
    }

    @Test("keep a private worker from everybody but grantees") func privateWorker() async throws {
        let publisher = try await LiveAgent.start()
        let friend = try await LiveAgent.start(bootstrap: [publisher])
        let stranger = try await LiveAgent.start(bootstrap: [publisher])
        let worker = try await NewWorker("secret", kind: "exec")
        try await publisher.must("worker", "publish", worker.path, "--private")
        let name = "dsmp://\(try await publisher.status().peerID)/secret"
        let friendID = try await friend.status().peerID
        try await publisher.must("worker", "grant", "secret", "--consumer", friendID)
        let greeting = try await friend.eventually("call", name, "greet", "--input", "-", input: Array("you\n".utf8))
        #expect(greeting == "Hello, you!\n")
        let nothing = "dsmp://\(try await publisher.status().peerID)/nothing"
        let hidden = try await stranger.run("call", name, "greet", "--json")
        let absent = try await stranger.run("call", nothing, "greet", "--json")
        #expect(hidden.status == 3)
        #expect(hidden.errors.replacing("/secret", with: "/nothing") == absent.errors)
        #expect(try await stranger.must("find", "--json").contains("secret") == false)
        try await publisher.must("worker", "revoke", "secret", "--consumer", friendID)
        let revoked = try await friend.run("call", name, "greet", "--json")
        #expect(revoked.status == 3, "\(revoked.errors)")
    }

    @Test("show the mesh") func network() async throws {
        let first = try await LiveAgent.start()
        let second = try await LiveAgent.start(bootstrap: [first])
        let firstID = try await first.status().peerID
        #expect(try await second.must("net", "peers").contains(firstID))
        #expect(try await second.must("net", "route", "--json").contains(firstID))
        #expect(try await second.must("net", "ping", firstID, "--count", "2").contains("median"))
        #expect(try await second.must("net", "limits").contains("connections"))
        #expect(try await second.must("dht", "find-peer", firstID).contains("/ip4/127.0.0.1/tcp/"))
        let cid = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
        try await first.must("dht", "provide", cid)
        #expect(try await second.eventually("dht", "providers", cid).contains(firstID))
        let missing = try await second.run("dht", "get", "/dsmp-worker/\(firstID)/nothing", "--json")
        #expect(missing.status == 3, "\(missing.errors)")
        let doctor = try await second.run("doctor", "--json")
        #expect(doctor.status == 0, "\(doctor.text)")
    }

    @Test("put programs into a jail and pass their exit status on") func sandbox() async throws {
        let good = try await Program.dsmp("sandbox", "run", "--", "sh", "-c", "cat; exit 7", input: Array("in".utf8))
        #expect(good.status == 7)
        #expect(good.text == "in")
        #expect(try await Program.dsmp("sandbox", "run", "--", "no-such-program").status == 127)
        #expect(try await Program.dsmp("sandbox", "run", "--", "sh", "-c", "kill -9 $$").status == 137)
        let protected = try await Program.dsmp("sandbox", "run", "--bind", "/root", "--", "true")
        #expect(protected.status == 125 && protected.errors.contains("\"step\""), "\(protected.errors)")
    }

    @Test("serve over TCP to whoever has the token") func overTCP() async throws {
        let agent = try await LiveAgent.start(more: ["--api", "127.0.0.1:0"])
        let url = try #require(try await agent.status().api)
        let token = try String(contentsOfFile: agent.data + "/api.token", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let script = """
            import sys, urllib.request, urllib.error
            request = urllib.request.Request(sys.argv[1] + "/v1/status")
            if len(sys.argv) > 2: request.add_header("Authorization", "Bearer " + sys.argv[2])
            try: print(urllib.request.urlopen(request).status)
            except urllib.error.HTTPError as error: print(error.code)
            """
        #expect(try await Program.run("/usr/bin/python3", ["-c", script, url, token]).text == "200\n")
        #expect(try await Program.run("/usr/bin/python3", ["-c", script, url]).text == "401\n")
    }
}
