import ControlAPI
import Mesh
import Server
import Testing

@Suite("The mesh ingress") struct IngressTests {
    @Test("maps a path to a worker and a method", arguments: ["GET", "POST", "PUT"])
    func maps(method: String) async throws {
        let agent = FakeAgent(exchange: { _ in Script([Array("hello".utf8)]) })
        try await ServedAgent.with(agent) { served in
            let connection = try RawConnection(socket: served.socket)
            await connection.send(
                "\(method) /svc/web/pages/start?lang=de HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            let reply = await connection.read()
            #expect(reply.hasPrefix("HTTP/1.1 200 "))
            #expect(reply.contains("hello"))
            #expect(!reply.contains("dsmp-status"))
            #expect(agent.calls == [CallRequest(worker: "web", method: "pages/start")])
        }
    }

    @Test("breaks off a result that is not whole") func breaksOff() async throws {
        let agent = FakeAgent(exchange: { _ in
            Script([Array("half".utf8)], endingWith: CallFailure(.unavailable, "gone"))
        })
        try await ServedAgent.with(agent) { served in
            let connection = try RawConnection(socket: served.socket)
            await connection.send("GET /svc/web/page HTTP/1.1\r\nhost: x\r\n\r\n")
            let reply = await connection.read()
            #expect(reply.contains("half"))
            #expect(!reply.hasSuffix("0\r\n\r\n"), "the last chunk would say that it is whole")
        }
    }

    @Test(
        "tells a publisher from a name",
        arguments: [
            ("/svc/digest/sha256", "digest", "sha256"), ("/svc/digest/a/b", "digest", "a/b"),
            ("/svc/12D3KooWx/digest/sha256", "dsmp://12D3KooWx/digest", "sha256"), ("/svc/digest", nil, nil),
            ("/svc/digest/", nil, nil), ("/svc//digest/x", nil, nil), ("/svc/12D3KooWx/digest", nil, nil),
            ("/svc/", nil, nil), ("/svc/digest//x", nil, nil),
        ] as [(String, String?, String?)])
    func targets(path: String, worker: String?, method: String?) throws {
        let target = try? CallTarget(path: path, prefix: ControlPath.ingressPrefix)
        #expect(target?.worker == worker)
        #expect(target?.method == method)
        #expect(try CallTarget(path: "/other", prefix: ControlPath.ingressPrefix) == nil)
    }

    @Test(
        "groups bodies into messages",
        arguments: [
            (0, [], [0]), (5, [2, 3], [5]), (1_048_576, [1_048_576], [1_048_576]),
            (1_048_577, [1_048_577], [262_144, 262_144, 262_144, 262_144, 1]), (nil, [3, 4], [3, 4]),
            (nil, [1_048_577], [1_048_576, 1]), (nil, [], []),
        ] as [(Int?, [Int], [Int])])
    func groups(length: Int?, pieces: [Int], expected: [Int]) {
        var grouping = MessageGrouping(length: length)
        var sizes: [Int] = []
        for piece in pieces { sizes += grouping.add([UInt8](repeating: 0, count: piece)).map(\.count) }
        #expect(grouping.isComplete)
        sizes += grouping.finish().map(\.count)
        #expect(sizes == expected)
    }

    @Test("notices a body that is shorter than announced") func incomplete() {
        var grouping = MessageGrouping(length: 5)
        #expect(grouping.add([1, 2]).isEmpty)
        #expect(!grouping.isComplete)
    }

    @Test("carries any text in a trailer", arguments: ["", "plain", "100 %", "grüße\nnew line", "%zz %4", "\u{0}"])
    func escapes(text: String) {
        let escaped = CallField.escape(text)
        #expect(escaped.utf8.allSatisfy { 0x20..<0x7f ~= $0 })
        #expect(CallField.unescape(escaped) == text)
    }
}
