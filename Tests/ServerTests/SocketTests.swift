import ControlAPI
import ControlClient
import Glibc
import Server
import TestKit
import Testing

@Suite("The control socket") struct SocketTests {
    @Test("has mode 0600 and goes away with the agent") func mode() async throws {
        let folder = try TemporaryFolder()
        let server = try await ServedAgent.start(folder)
        #expect(folder.mode(of: "control.sock") == 0o600)
        await server.stop()
        #expect(folder.mode(of: "control.sock") == 0)
        await server.stop()
    }

    @Test("works below a path that no socket address holds") func longPath() async throws {
        try await ServedAgent.with(nameBytes: 250) { served in
            #expect(served.socket.utf8.count > 250)
            let value = try await served.client.ask(.status, as: AgentStatus.self)
            #expect(value == Sample.status)
        }
    }

    @Test("is not opened in a folder that others can enter", arguments: [0o701, 0o710, 0o755])
    func openFolder(mode: UInt32) async throws {
        let folder = try TemporaryFolder()
        chmod(folder.path, mode)
        let error = await #expect(throws: ControlError.self) { try await ServedAgent.start(folder) }
        #expect(error?.code == .refused)
        #expect(error?.hint.contains("chmod 700") == true)
    }

    @Test("replaces one that a dead agent left") func stale() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("control.sock")
        let descriptor = try Self.bound(path)
        close(descriptor)
        #expect(folder.mode(of: "control.sock") != 0)
        let server = try await ServedAgent.start(folder)
        let value = try await ControlClient(dataFolder: folder.path).ask(.status, as: AgentStatus.self)
        #expect(value == Sample.status)
        await server.stop()
    }

    @Test("is left to the agent that answers on it") func second() async throws {
        try await ServedAgent.with { served in
            let error = await #expect(throws: ControlError.self) { try await ServedAgent.start(served.folder) }
            #expect(error?.code == .conflict)
            let value = try await served.client.ask(.status, as: AgentStatus.self)
            #expect(value == Sample.status)
        }
    }

    @Test("does not replace a file of another kind") func otherFile() async throws {
        let folder = try TemporaryFolder()
        try Files.write("mine", to: folder.file("control.sock"), mode: 0o600)
        let error = await #expect(throws: ControlError.self) { try await ServedAgent.start(folder) }
        #expect(error?.code == .conflict)
        #expect(folder.mode(of: "control.sock") == 0o600)
    }

    @Test("tells the client clearly when nobody is there") func absent() async throws {
        let folder = try TemporaryFolder()
        for path in [folder.path, folder.path + "/missing"] {
            let error = await #expect(throws: ControlError.self) {
                _ = try await ControlClient(dataFolder: path).ask(.status, as: AgentStatus.self)
            }
            #expect(error?.code == .unreachable)
            #expect(error?.hint.contains("dsmp agent run") == true)
        }
        close(try Self.bound(folder.file("control.sock")))
        let error = await #expect(throws: ControlError.self) {
            _ = try await ControlClient(dataFolder: folder.path).ask(.status, as: AgentStatus.self)
        }
        #expect(error?.code == .unreachable)
    }

    @Test(
        "answers garbage with 400 and goes on",
        arguments: [
            "garbage\r\n\r\n", "GET\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "GET /v1/status HTTP/9.9\r\n\r\n",
            "POST /v1/find HTTP/1.1\r\nhost: x\r\ncontent-length: minus\r\n\r\n",
            "POST /v1/find HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "GET /v1/status HTTP/1.1\r\nhost: x\r\n" + String(repeating: "a: b\r\n", count: 65) + "\r\n",
            "GET /v1/status HTTP/1.1\r\nhost: x\r\na: " + String(repeating: "b", count: 17_000) + "\r\n\r\n",
        ])
    func garbage(text: String) async throws {
        try await ServedAgent.with { served in
            let bystander = try RawConnection(socket: served.socket)
            await bystander.send("GET /v1/status HTTP/1.1\r\n")
            let connection = try RawConnection(socket: served.socket)
            await connection.send(text)
            let reply = await connection.read()
            #expect(reply.hasPrefix("HTTP/1.1 400 "), "\(reply)")
            await bystander.send("host: x\r\nconnection: close\r\n\r\n")
            #expect(await bystander.read().hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test("serves the next connection when one of the most it may hold ends") func fullListener() async throws {
        try await ServedAgent.with { served in
            var held: [RawConnection] = []
            for _ in 0..<ControlServer.Limits.connections {
                let connection = try RawConnection(socket: served.socket)
                await connection.send("GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n")
                #expect(await connection.read(until: "\"workers\"").hasPrefix("HTTP/1.1 200 "))
                held.append(connection)
            }
            let waiting = try RawConnection(socket: served.socket)
            await waiting.send("GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            held.removeLast()
            #expect(await waiting.read().hasPrefix("HTTP/1.1 200 "))
        }
    }

    /// A listening socket at the path.
    private static func bound(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(status == 0 && listen(descriptor, 1) == 0)
        return descriptor
    }
}
