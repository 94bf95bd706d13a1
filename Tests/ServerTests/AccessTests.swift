import ControlAPI
import Server
import TestKit
import Testing

@Suite("Access over TCP") struct AccessTests {
    private static let token = APIToken(text: String(repeating: "ab", count: 32))

    @Test(
        "depends on Host, Origin and token",
        arguments: [
            ("127.0.0.1:8080", nil, "Bearer GOOD", nil), ("localhost:8080", nil, "bearer GOOD", nil),
            ("LocalHost:8080", nil, "Bearer GOOD", nil), ("[::1]:8080", nil, "Bearer GOOD", nil),
            ("mesh.example:8080", nil, "Bearer GOOD", nil),
            ("127.0.0.1:8080", "http://127.0.0.1:8080", "Bearer GOOD", nil),
            (nil, nil, "Bearer GOOD", ControlErrorCode.refused), ("evil.example:8080", nil, "Bearer GOOD", .refused),
            ("127.0.0.1", nil, "Bearer GOOD", .refused), ("127.0.0.1:80", nil, "Bearer GOOD", .refused),
            ("127.0.0.1:8080.evil.example", nil, "Bearer GOOD", .refused),
            ("127.0.0.1:8080", "http://evil.example", "Bearer GOOD", .refused),
            ("127.0.0.1:8080", "https://127.0.0.1:8080", "Bearer GOOD", .refused),
            ("127.0.0.1:8080", "null", "Bearer GOOD", .refused), ("127.0.0.1:8080", "", "Bearer GOOD", .refused),
            ("127.0.0.1:8080", nil, nil, .unauthenticated), ("127.0.0.1:8080", nil, "Bearer BAD", .unauthenticated),
            ("127.0.0.1:8080", nil, "Basic GOOD", .unauthenticated), ("127.0.0.1:8080", nil, "GOOD", .unauthenticated),
            ("127.0.0.1:8080", nil, "Bearer GOODx", .unauthenticated),
            ("127.0.0.1:8080", nil, "Bearer", .unauthenticated),
        ] as [(String?, String?, String?, ControlErrorCode?)])
    func matrix(host: String?, origin: String?, authorization: String?, expected: ControlErrorCode?) {
        let policy = AccessPolicy(address: APIAddress(host: "mesh.example", port: 8_080), token: Self.token)
        let authorization = authorization?.replacing("GOOD", with: Self.token.text)
        let refusal = policy.refusal(of: .init(host: host, origin: origin, authorization: authorization))
        #expect(refusal?.code == expected)
    }

    @Test("lets a Host without port pass on port 80 only") func portEighty() {
        let policy = AccessPolicy(address: APIAddress(host: "mesh.example", port: 80), token: Self.token)
        let bearer = "Bearer " + Self.token.text
        #expect(policy.refusal(of: .init(host: "mesh.example", origin: nil, authorization: bearer)) == nil)
        #expect(policy.refusal(of: .init(host: "mesh.example:80", origin: nil, authorization: bearer)) == nil)
    }

    @Test("is refused on the wire as the matrix says, without a word for browsers of other sites")
    func wire() async throws {
        try await ServedAgent.with(api: APIAddress(host: "127.0.0.1", port: 0)) { served in
            let token = try APIToken.load(dataFolder: served.folder.path).text
            let host = "host: 127.0.0.1:\(served.port)\r\n"
            for (fields, status) in [
                (host, 401), (host + "authorization: Bearer \(token)\r\n", 200),
                (host + "authorization: Bearer \(token)0\r\n", 401),
                ("host: evil.example\r\nauthorization: Bearer \(token)\r\n", 403),
                ("authorization: Bearer \(token)\r\n", 403),
                (host + "authorization: Bearer \(token)\r\norigin: http://evil.example\r\n", 403),
                (host + "authorization: Bearer \(token)\r\norigin: http://127.0.0.1:\(served.port)\r\n", 200),
            ] {
                for path in ["/v1/status", "/metrics", "/svc/digest/sha256"] {
                    let connection = try RawConnection(port: served.port)
                    await connection.send("GET \(path) HTTP/1.1\r\n\(fields)connection: close\r\n\r\n")
                    let reply = await connection.read()
                    #expect(reply.hasPrefix("HTTP/1.1 \(status) "), "\(path) \(fields): \(reply)")
                    #expect(!reply.lowercased().contains("access-control-"))
                }
            }
        }
    }

    @Test("needs a token that was made with mode 0600 and is kept") func tokenFile() async throws {
        let folder = try TemporaryFolder()
        let token = try APIToken.load(dataFolder: folder.path)
        #expect(token.text.count == 2 * APIToken.randomBytes)
        #expect(folder.mode(of: APIToken.fileName) == 0o600)
        #expect(try APIToken.load(dataFolder: folder.path) == token)
        let other = try TemporaryFolder()
        #expect(try APIToken.load(dataFolder: other.path) != token)
    }

    @Test("is not opened with a token that others can read, or none", arguments: [(0o644, "x"), (0o600, "")])
    func badTokenFile(mode: UInt32, suffix: String) async throws {
        let folder = try TemporaryFolder()
        let text = suffix.isEmpty ? "short" : String(repeating: "a", count: 64)
        try Files.write(text, to: folder.file(APIToken.fileName), mode: mode)
        #expect(throws: ControlError.self) { try APIToken.load(dataFolder: folder.path) }
        await #expect(throws: ControlError.self) {
            try await ServedAgent.start(folder, api: APIAddress(host: "127.0.0.1", port: 0))
        }
        #expect(folder.mode(of: "control.sock") == 0, "nothing is left behind")
    }

    @Test("says so when the port is taken") func portTaken() async throws {
        try await ServedAgent.with(api: APIAddress(host: "127.0.0.1", port: 0)) { served in
            let other = try TemporaryFolder()
            let error = await #expect(throws: ControlError.self) {
                try await ServedAgent.start(other, api: APIAddress(host: "127.0.0.1", port: Int(served.port)))
            }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("127.0.0.1:\(served.port)") == true)
        }
    }

    @Test(
        "parses addresses",
        arguments: [
            ("127.0.0.1:8080", "127.0.0.1:8080"), ("localhost:0", "localhost:0"), ("[::1]:80", "[::1]:80"),
            ("::1:80", nil), ("8080", nil), ("host:", nil), ("host:65536", nil), (":80", nil), ("a b:80", nil),
            ("host:-1", nil),
        ] as [(String, String?)])
    func addresses(text: String, expected: String?) {
        #expect((try? APIAddress(text))?.description == expected)
    }
}
