import ControlAPI
import ControlClient
import Server
import Testing

@Suite("The verbs of the control API") struct VerbTests {
    /// A body for each path that takes one.
    static let bodies: [ControlPath: String] = [
        .worker: #"{"worker":"digest"}"#, .logs: #"{"worker":"digest","lines":20}"#,
        .publish: #"{"folder":"/w"}"#, .unpublish: #"{"worker":"digest"}"#, .host: #"{"worker":"digest"}"#,
        .grant: #"{"worker":"digest","peer":"p","role":"host"}"#, .revoke: #"{"worker":"digest","peer":"p"}"#,
        .find: #"{"query":"hash","limit":5}"#, .subscribe: #"{"worker":"digest"}"#,
        .unsubscribe: #"{"worker":"digest"}"#, .route: "{}", .ping: #"{"peer":"p","count":2}"#,
        .getRecord: #"{"key":"/pk/x"}"#, .putRecord: #"{"key":"/pk/x","value":"AQI="}"#,
        .provide: #"{"cid":"bafk"}"#, .providers: #"{"cid":"bafk"}"#, .findPeer: #"{"peer":"p"}"#,
    ]

    /// Sends one request and returns the whole reply.
    static func exchange(_ served: ServedAgent, _ path: ControlPath, body: String?) async throws -> String {
        let connection = try RawConnection(socket: served.socket)
        let method = body == nil ? "GET" : "POST"
        let text = body ?? ""
        await connection.send(
            "\(method) \(path.rawValue) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                + (body == nil ? "" : "content-length: \(text.utf8.count)\r\n") + "\r\n" + text)
        return await connection.read()
    }

    @Test("are each answered with 200 and JSON", arguments: ControlPath.allCases)
    func everyVerb(path: ControlPath) async throws {
        try await ServedAgent.with { served in
            #expect((Self.bodies[path] == nil) == path.isQuestion)
            let reply = try await Self.exchange(served, path, body: Self.bodies[path])
            #expect(reply.hasPrefix("HTTP/1.1 200 "), "\(reply)")
            #expect(reply.contains("application/json"))
            #expect(served.agent.asked.count == 1)
        }
    }

    @Test("reach the client as values") func valuesArrive() async throws {
        try await ServedAgent.with { served in
            let value = try await served.client.ask(.status, as: AgentStatus.self)
            #expect(value == Sample.status)
            let found = try await served.client.ask(.find, FindRequest(query: "hash"), as: [FoundWorker].self)
            #expect(found == [Sample.found])
            let put = PutRecordRequest(key: "/pk/x", value: Base64Bytes([1, 2]))
            let stored = try await served.client.ask(.putRecord, put, as: RecordReply.self).value.bytes
            #expect(stored == [1, 2])
            #expect(served.agent.asked == ["status", "find hash", "put [1, 2]"])
        }
    }

    @Test("say that api is null when it is off, and where it is when it is on") func statusNamesTheAPI() async throws {
        try await ServedAgent.with { served in
            let value = try await Self.exchange(served, .status, body: nil)
            #expect(value.contains(#""api":null"#))
        }
        try await ServedAgent.with(api: APIAddress(host: "127.0.0.1", port: 0)) { served in
            let status = try await served.client.ask(.status, as: AgentStatus.self)
            #expect(status.api == "http://127.0.0.1:\(served.port)")
            #expect(served.port > 0)
        }
    }

    @Test("hand every failure through with its status", arguments: ControlErrorCode.allCases)
    func failuresArrive(code: ControlErrorCode) async throws {
        try await ServedAgent.with { served in
            let error = ControlError(code, "it broke: \"so\"", hint: "mend it")
            served.agent.fail(with: error)
            let reply = try await Self.exchange(served, .workers, body: nil)
            #expect(reply.hasPrefix("HTTP/1.1 \(code.httpStatus) "), "\(reply)")
            await #expect(throws: error) { _ = try await served.client.ask(.workers, as: [WorkerSummary].self) }
        }
    }

    @Test(
        "refuse what is not a request, and say which part",
        arguments: [
            (ControlPath.find, #"{"limit":5}"#, "`query` is missing"), (.find, #"{"query":1,"limit":5}"#, "`query`"),
            (.find, "no json", "not the JSON"), (.find, #"{"query":"","limit":0}"#, "`limit` is 0"),
            (.find, #"{"query":"","limit":1001}"#, "`limit` is 1001"), (.ping, #"{"peer":"p","count":101}"#, "`count`"),
            (.logs, #"{"worker":"w","lines":10001}"#, "`lines`"),
            (.putRecord, #"{"key":"k","value":"*"}"#, "`value` is not valid"),
            (.grant, #"{"worker":"w","peer":"p","role":"king"}"#, "`role` is not valid"), (.find, "", "not the JSON"),
        ])
    func brokenRequests(path: ControlPath, body: String, expected: String) async throws {
        try await ServedAgent.with { served in
            let reply = try await Self.exchange(served, path, body: body)
            #expect(reply.hasPrefix("HTTP/1.1 400 "), "\(reply)")
            #expect(reply.contains(expected), "\(reply)")
            #expect(served.agent.asked.isEmpty)
        }
    }

    @Test("refuse unknown paths and the wrong method") func unknownPaths() async throws {
        try await ServedAgent.with { served in
            for (request, status) in [
                ("GET /v1/nothing", 404), ("GET /", 404), ("POST /v1/status", 400), ("GET /v1/find", 400),
                ("GET /v1/call/digest/sha256", 400), ("POST /v1/call/digest", 400), ("DELETE /svc/digest/sha256", 400),
                ("POST /metrics", 400), ("GET /v1/status/", 404), ("GET /v1/../v1/status", 404),
            ] {
                let connection = try RawConnection(socket: served.socket)
                await connection.send(
                    "\(request) HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                let reply = await connection.read()
                #expect(reply.hasPrefix("HTTP/1.1 \(status) "), "\(request): \(reply)")
                #expect(reply.contains(#"{"error":{"#))
            }
            #expect(served.agent.asked.isEmpty)
        }
    }

    @Test("take a body of the limit and refuse one byte more") func bodyLimit() async throws {
        try await ServedAgent.with { served in
            for (excess, status) in [(0, 200), (1, 413)] {
                let frame = #"{"query":"","limit":5}"#
                let padding = String(repeating: " ", count: ControlServer.Limits.bodyBytes - frame.utf8.count + excess)
                let reply = try await Self.exchange(served, .find, body: frame + padding)
                #expect(reply.hasPrefix("HTTP/1.1 \(status) "), "\(excess): \(reply.prefix(200))")
            }
        }
    }

    @Test("serve totals in OpenMetrics, naming no worker") func metrics() async throws {
        try await ServedAgent.with { served in
            let connection = try RawConnection(socket: served.socket)
            await connection.send("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            let reply = await connection.read()
            #expect(reply.contains("application/openmetrics-text; version=1.0.0"))
            #expect(reply.contains("dsmp_peers 2\n"))
            #expect(reply.contains("dsmp_calls_served_total{outcome=\"ok\"} 7\n"))
            #expect(reply.contains("dsmp_calls_served_total{outcome=\"failed\"} 2\n"))
            #expect(reply.hasSuffix("# EOF\n"))
            #expect(!reply.contains("dsmp://"))
        }
    }
}
