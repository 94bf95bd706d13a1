import ControlAPI
import Foundation
import Glibc
import TestKit
import Testing

/// Each mistake gets one clear message that says what happened and what to do, the right exit status, and loses nothing.
@Suite("Bad input") struct BadInputTests {
    /// Checks a refusal in both forms.
    private static func expect(
        _ arguments: [String], status: Int32, code: ControlErrorCode, _ words: String...
    ) async throws {
        let plain = try await Program.run(Program.dsmp, arguments)
        #expect(plain.status == status, "\(arguments): \(plain.errors)")
        #expect(plain.output.isEmpty)
        for word in words { #expect(plain.errors.contains(word), "\(plain.errors)") }
        let json = try await Program.run(Program.dsmp, arguments + ["--json"])
        #expect(json.status == status)
        let envelope = try? JSONDecoder().decode(ControlErrorEnvelope.self, from: Data(json.errors.utf8))
        #expect(envelope?.error.code == code, "\(json.errors)")
        #expect(envelope?.error.message.isEmpty == false)
    }

    @Test("on the command line is wrong usage") func wrongUsage() async throws {
        for arguments in [["bogus"], ["call"], ["status", "--wait", "soon"], ["worker", "grant", "w"]] {
            try await Self.expect(arguments, status: 2, code: .usage)
        }
        let folder = try TemporaryFolder()
        for arguments in [["--listen", "4101"], ["--bootstrap", "/ip4/127.0.0.1/tcp/1"], ["--api", "8080"]] {
            let run = try await Program.run(Program.dsmp, ["agent", "run", "--data", folder.path] + arguments)
            #expect(run.status == 2, "\(run.errors)")
            #expect(run.errors.contains("for example"))
        }
    }

    @Test("when no agent runs is not reachable") func noAgent() async throws {
        let folder = try TemporaryFolder()
        for verb in ["status", "find", "subs"] {
            try await Self.expect(
                [verb, "--data", folder.path], status: 3, code: .unreachable, "no agent is running", "agent run")
        }
    }

    @Test("in a manifest names the file and the line, and publishes nothing") func brokenManifest() async throws {
        let worker = try await NewWorker("broken", kind: "python")
        let manifest = worker.path + "/worker.yaml"
        let text = try String(contentsOfFile: manifest, encoding: .utf8)
        try text.replacing("kind: subprocess", with: "kind: submarine").write(
            toFile: manifest, atomically: true, encoding: .utf8)
        try await Self.expect(["worker", "check", worker.path], status: 1, code: .invalid, "worker.yaml:", "submarine")
        let agent = try await LiveAgent.start()
        try await Self.expect(
            ["worker", "publish", worker.path, "--data", agent.data], status: 1, code: .invalid, "worker.yaml:",
            "submarine")
        #expect(try await agent.must("worker", "list", "--json").contains("broken") == false)
    }

    @Test("as a key that others can read, or that is none, keeps the agent from starting") func unreadableKey()
        async throws
    {
        let folder = try TemporaryFolder()
        _ = try await Program.dsmp("id", "new", data: folder.path)
        let key = folder.file("identity.key")
        let good = try Data(contentsOf: URL(filePath: key))
        chmod(key, 0o644)
        let open = try await Program.dsmp("agent", "run", data: folder.path)
        #expect(open.status == 1)
        #expect(open.errors.contains("chmod 600"), "\(open.errors)")
        try Data("no key".utf8).write(to: URL(filePath: key))
        chmod(key, 0o600)
        let broken = try await Program.dsmp("agent", "run", data: folder.path)
        #expect(broken.status == 1)
        #expect(broken.errors.contains("identity.key") && broken.errors.contains("backup"), "\(broken.errors)")
        try good.write(to: URL(filePath: key))
        chmod(key, 0o600)
        let agent = try await LiveAgent.start(data: folder.path)
        #expect(await agent.end(SIGTERM) == 0)
    }

    @Test("as a taken port names the port and leaves the first agent alone") func takenPort() async throws {
        let first = try await LiveAgent.start(more: ["--api", "127.0.0.1:0"])
        let port = try #require(try await first.address().split(separator: "/").dropFirst(3).first)
        let folder = try TemporaryFolder()
        let second = try await Program.dsmp("agent", "run", "--listen", "/ip4/127.0.0.1/tcp/\(port)", data: folder.path)
        #expect(second.status == 1)
        #expect(second.errors.contains("\(port)"), "\(second.errors)")
        let api = try #require(try await first.status().api?.split(separator: "/").last)
        let third = try await Program.dsmp(
            "agent", "run", "--listen", "/ip4/127.0.0.1/tcp/0", "--api", String(api), data: folder.path)
        #expect(third.status == 1)
        #expect(third.errors.contains("\(api)") && third.errors.contains("--api"), "\(third.errors)")
        #expect(try await first.status().ready)
    }

    @Test("as a second agent on one data folder names the first and leaves it alone") func secondAgent() async throws {
        let first = try await LiveAgent.start()
        let second = try await Program.dsmp("agent", "run", "--listen", "/ip4/127.0.0.1/tcp/0", data: first.data)
        #expect(second.status == 1)
        #expect(second.errors.contains("process \(first.pid)"), "\(second.errors)")
        #expect(second.errors.contains("--data"))
        #expect(try await first.status().ready)
    }

    @Test(
        "as a data folder of a newer version is refused and left as it is", arguments: ["agent.sqlite", "table.sqlite"])
    func newerVersion(file: String) async throws {
        let folder = try TemporaryFolder()
        let agent = try await LiveAgent.start(data: folder.path)
        await agent.end(SIGTERM)
        func run(_ script: String) async throws -> Program.Outcome {
            try await Program.run("/usr/bin/python3", ["-c", script, folder.file(file)])
        }
        let change = """
            import sqlite3, sys
            database = sqlite3.connect(sys.argv[1])
            database.execute("INSERT INTO grdb_migrations VALUES ('9999 from the future')")
            database.commit()
            """
        #expect(try await run(change).status == 0)
        let refused = try await Program.dsmp("agent", "run", data: folder.path)
        #expect(refused.status == 1)
        #expect(refused.errors.contains("newer version of dsmp"), "\(refused.errors)")
        let undo = change.replacing(
            "INSERT INTO grdb_migrations VALUES ('9999", with: "DELETE FROM grdb_migrations WHERE identifier = ('9999")
        #expect(try await run(undo).status == 0)
        let again = try await LiveAgent.start(data: folder.path)
        #expect(await again.end(SIGTERM) == 0)
    }

    @Test("as garbage on the peer port and the control socket harms nobody") func garbage() async throws {
        let agent = try await LiveAgent.start()
        let worker = try await NewWorker("hello", kind: "exec")
        try await agent.must("worker", "publish", worker.path)
        let port = try #require(
            try await agent.address().split(separator: "/").dropFirst(3).first.flatMap { UInt16($0) })
        var random = SplitMix64(seed: 7)
        for round in 0..<40 {
            let bytes = round % 4 == 0 ? Array("GET / HTTP/1.1\r\n\r\n".utf8) : random.bytes(1 + round * 97)
            await Program.offThread { RawSocket.send(bytes, port: port) }
            await Program.offThread { RawSocket.send(bytes, path: agent.data + "/control.sock") }
        }
        #expect(
            try await agent.must("call", "hello", "greet", "--input", "-", input: Array("you\n".utf8))
                == "Hello, you!\n")
        #expect(try await agent.status().ready)
    }
}

/// Sends bytes and reads whatever comes until the other end closes or a second passed.
enum RawSocket {
    static func send(_ bytes: [UInt8], port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Self.talk(descriptor, $0, size, bytes) }
        }
    }

    static func send(_ bytes: [UInt8], path: String) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix($0.count - 1)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Self.talk(descriptor, $0, size, bytes) }
        }
    }

    private static func talk(
        _ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t, _ bytes: [UInt8]
    ) {
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard connect(descriptor, address, size) == 0 else { return }
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        shutdown(descriptor, Int32(SHUT_WR))
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while recv(descriptor, &buffer, buffer.count, 0) > 0 {}
    }
}
