import Foundation
import Hosting
import Mesh
import TestKit
import Testing

/// The workers that ship with the agent, put together as a publisher gets them, packed, installed and run in their jails;
/// every result is compared with an independent tool's.
@Suite("The workers that ship with the agent", .serialized) struct ShippedWorkerTests {
    private static let folder = Result { () throws -> TemporaryFolder in
        let folder = try TemporaryFolder()
        try Command.run(Repository.root + "/Plugins/Workers/assemble", [folder.file("workers"), TestLoop.products])
        let texts = "cat /usr/share/common-licenses/* > \(folder.file("text"))"
        try Command.run("sh", ["-c", texts])
        return folder
    }

    /// Packs a worker and runs it from the installed release.
    private static func ready(_ name: String) async throws -> ConformanceHost {
        let source = try Self.folder.get().file("workers/" + name)
        let library = source + "/libdigest-worker.so"
        var trusted = TrustedLibraries()
        if name == "digest" {
            trusted = TrustedLibraries(digests: [String(try Command.run("sha256sum", [library]).prefix(64))])
        }
        let test = try ConformanceHost(trusted: trusted)
        let store = try ReleaseStore(folder: test.folder.file("releases"))
        let release = try store.install(folder: source)
        let manifest = try WorkerManifest.load(folder: store.path(of: release.cid))
        var deployment = try test.deployment(
            String(decoding: try Data(contentsOf: URL(filePath: source + "/worker.yaml")), as: UTF8.self))
        #expect(deployment.manifest == manifest)
        deployment.releaseFolder = store.path(of: release.cid)
        try await test.start(deployment)
        return test
    }

    private static func text() throws -> (path: String, messages: [[UInt8]]) {
        let path = try Self.folder.get().file("text")
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        // Odd sizes, so that words and lines are cut between messages.
        let messages = stride(from: 0, to: bytes.count, by: 7_919).map {
            Array(bytes[$0..<min(bytes.count, $0 + 7_919)])
        }
        return (path, messages)
    }

    private static func call(
        _ test: ConformanceHost, _ worker: String, _ method: String, _ messages: [[UInt8]]
    ) async throws -> String {
        String(decoding: try await test.call(method, messages, worker: worker).joined(), as: UTF8.self)
    }

    @Test("digest equals sha256sum") func digest() async throws {
        let test = try await Self.ready("digest")
        let (path, messages) = try Self.text()
        let expected = try Command.run("sha256sum", [path]).prefix(64)
        #expect(try await Self.call(test, "digest", "sha256", messages) == expected)
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        #expect(try await Self.call(test, "digest", "sha256", []) == empty)
        await test.host.shutdown()
    }

    @Test("wordfreq equals tr, sort, uniq and awk") func wordfreq() async throws {
        let test = try await Self.ready("wordfreq")
        let (path, messages) = try Self.text()
        let script = """
            export LC_ALL=C; tr -cs A-Za-z '\\n' < \(path) | tr A-Z a-z | grep . | sort | uniq -c | sort -k1,1nr -k2 \
            | awk '{ print $1 "\\t" $2 }'
            """
        let expected = try Command.run("sh", ["-c", script])
        #expect(try await Self.call(test, "wordfreq", "count", messages) == expected)
        #expect(try await Self.call(test, "wordfreq", "count", []) == "")
        await test.host.shutdown()
    }

    @Test("sort equals sort") func sort() async throws {
        let test = try await Self.ready("sort")
        let (path, messages) = try Self.text()
        let sorted = try Command.run("env", ["LC_ALL=C", "sort", path])
        #expect(try await Self.call(test, "sort", "sort", messages) == sorted)
        let counted = try Command.run("sh", ["-c", "cat \(path) | LANG=C.UTF-8 wc"])
        #expect(try await Self.call(test, "sort", "count", messages) == counted)
        await test.host.shutdown()
    }

    @Test(
        "query equals sqlite3",
        arguments: [
            "SELECT name, bytes FROM files ORDER BY bytes DESC, name",
            "SELECT count(*), sum(bytes), NULL, '', 'a,b', 'q\"q', 1.5 FROM files",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000) SELECT i, i*i FROM n;",
            "SELECT text FROM files ORDER BY name LIMIT 3",
        ])
    func query(_ sql: String) async throws {
        let test = try await Self.ready("query")
        let database = try Self.folder.get().file("workers/query/data.db")
        let tabs = try Command.run("sqlite3", ["-tabs", "-readonly", database, sql])
        #expect(try await Self.call(test, "query", "sql", [Array(sql.utf8)]) == tabs)
        let csv = try Command.run("sqlite3", ["-csv", "-readonly", database, sql])
        let object = try JSONEncoder().encode(["sql": sql, "format": "csv"])
        #expect(try await Self.call(test, "query", "sql", [Array(object)]) == csv)
        await test.host.shutdown()
    }

    @Test(
        "query refuses everything but reading",
        arguments: [
            "DELETE FROM files", "DROP TABLE files", "INSERT INTO files VALUES ('x', 1, '')", "PRAGMA query_only=0",
            "ATTACH '/tmp/x' AS x", "VACUUM INTO '/tmp/x'", "CREATE TEMP TABLE t (a)", "SELECT load_extension('x')",
            "SELECT 1; DELETE FROM files", "BEGIN", "", "   ", "SELEC 1", "{\"sql\": 1}", "{\"sql\": \"SELECT 1\"",
            "{\"query\": \"SELECT 1\"}", "{\"sql\":\"SELECT 1\",\"format\":\"xml\"}",
        ])
    func queryRefuses(_ sql: String) async throws {
        let test = try await Self.ready("query")
        let error = await #expect(throws: CallFailure.self) {
            _ = try await Self.call(test, "query", "sql", [Array(sql.utf8)])
        }
        #expect(error?.code == .invalidArgument, "\(error?.description ?? "")")
        #expect(try await Self.call(test, "query", "sql", [Array("SELECT count(*) > 0 FROM files".utf8)]) == "1\n")
        await test.host.shutdown()
    }

    @Test("query ends with a statement that never would") func queryCancels() async throws {
        let test = try await Self.ready("query")
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n"
        for _ in 0..<6 {
            let exchange = try await test.open("sql", worker: "query", deadlineMilliseconds: 100)
            try await exchange.send(Array(sql.utf8))
            try await exchange.finishSending()
            let error = await #expect(throws: CallFailure.self) { _ = try await exchange.receive() }
            #expect(error?.code == .deadlineExceeded)
        }
        let again = try await test.openWhenFree("sql", worker: "query")
        try await again.send(Array("SELECT 1".utf8))
        try await again.finishSending()
        #expect(try await again.receive() == Array("1\n".utf8))
        await test.host.shutdown()
    }
}
