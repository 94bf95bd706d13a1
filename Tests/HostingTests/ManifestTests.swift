import Foundation
import Hosting
import Policy
import TestKit
import Testing

@Suite("A worker's manifest") struct ManifestTests {
    static let smallest = "name: a\nkind: subprocess\nentry: [/usr/bin/python3, a.py]\nrelease: 1.0.0\nmethods: {m: }\n"

    static func refusal(_ text: String) -> ManifestError? {
        do throws(ManifestError) {
            _ = try WorkerManifest.parse(text)
            return nil
        } catch { return error }
    }

    @Test("has defaults for what it does not say") func defaults() throws {
        let manifest = try WorkerManifest.parse(Self.smallest)
        #expect(manifest.kind == .subprocess)
        #expect(manifest.visibility == .private)
        #expect(manifest.instances == 1)
        #expect(manifest.concurrency == 16)
        #expect(manifest.readySeconds == 10)
        #expect(manifest.watchdogSeconds == 30)
        #expect(manifest.stopSeconds == 5)
        #expect(manifest.methods.map(\.name) == ["m"])
        #expect(manifest.sandbox == SandboxRequest())
    }

    @Test("is read whole") func everything() throws {
        let manifest = try WorkerManifest.parse(
            """
            name: full-1
            kind: subprocess
            entry: [run, --fast]
            release: 1.2.3-beta.1
            visibility: public
            description: "Two\\nlines"
            tags: [a, b-1]
            price: {per-call: 0.01, currency: EUR}
            instances: 2
            concurrency: 1024
            ready-seconds: 300
            watchdog-seconds: 0
            stop-seconds: 1
            limits: {process.memory.max: 64MiB}
            sandbox: {bind: [/srv/data:/data:ro]}
            methods:
              one: {description: d, input: i, output: o, streaming: both, idempotent: true}
              two.x/y_Z-9: {}
            """)
        #expect(manifest.release == SemanticVersion(major: 1, minor: 2, patch: 3, preRelease: "beta.1"))
        #expect(manifest.visibility == .public)
        #expect(manifest.entry == ["run", "--fast"])
        #expect(manifest.tags == ["a", "b-1"])
        #expect(manifest.price.contains("per-call"))
        #expect(manifest.methods.map(\.name) == ["one", "two.x/y_Z-9"])
        #expect(manifest.method("one")?.isIdempotent == true)
        #expect(manifest.method("one")?.streaming == .both)
        #expect(manifest.sandbox.binds.map(\.target) == ["/data"])
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let from: String
        let to: String
        let line: Int
        let words: String
        var testDescription: String { self.words }

        init(_ from: String, _ to: String, _ line: Int, _ words: String) {
            self.from = from
            self.to = to
            self.line = line
            self.words = words
        }
    }

    @Test(
        "is refused with its line, its fault and the remedy",
        arguments: [
            Fault("release:", "relase:", 4, "did you mean `release`?"),
            Fault("kind: subprocess", "kind: subproces", 2, "did you mean `subprocess`?"),
            Fault("kind: subprocess", "kind: container", 2, "give one of library, subprocess, exec"),
            Fault("kind: subprocess\n", "", 1, "the key `kind` is missing"),
            Fault("name: a", "name: A", 1, "lower-case letters"), Fault("name: a", "name: -a", 1, "lower-case letters"),
            Fault("name: a", "name: [a]", 1, "must be a text"),
            Fault("name: a", "name: " + String(repeating: "a", count: 64), 1, "1 to 63"),
            Fault("name: a", "name: &x a", 1, "anchors and aliases"), Fault("name: a", "name: *x", 1, "not YAML"),
            Fault("name: a", "name: a\nname: b", 1, "twice"), Fault("1.0.0", "1.0", 4, "give a version"),
            Fault("1.0.0", "01.0.0", 4, "give a version"), Fault("1.0.0", "1.0.0-", 4, "give a version"),
            Fault("[/usr/bin/python3, a.py]", "[]", 3, "names no program"),
            Fault("[/usr/bin/python3, a.py]", "python3", 3, "must be a list"),
            Fault("[/usr/bin/python3, a.py]", "[../x]", 3, "leaves the folder"),
            Fault("{m: }", "{}", 5, "0 methods"), Fault("{m: }", "{'a b': }", 5, "not a method name"),
            Fault("{m: }", "{m: {streaming: in}}", 5, "give one of none, input, output, both"),
            Fault("{m: }", "{m: {argv: [x]}}", 5, "unknown key `argv`"),
            Fault("{m: }", "{m: {idempotent: yes}}", 5, "give `true` or `false`"),
            Fault("{m: }", "{m: {descripton: x}}", 5, "did you mean `description`?"),
            Fault("{m: }", "{m: }\nconcurrency: 0", 6, "1 to 1024"),
            Fault("{m: }", "{m: }\nconcurrency: 1025", 6, "1 to 1024"),
            Fault("{m: }", "{m: }\nconcurrency: many", 6, "whole number"),
            Fault("{m: }", "{m: }\ninstances: 17", 6, "1 to 16"), Fault("{m: }", "{m: }\ntags: [a, a]", 6, "twice"),
            Fault("{m: }", "{m: }\ntags: [A]", 6, "malformed"),
            Fault("{m: }", "{m: }\ndescription: \"a\\u0007b\"", 6, "control character"),
            Fault("{m: }", "{m: }\nlimits: {process.memory.max: a}", 6, "process.memory.max"),
            Fault("{m: }", "{m: }\n? [a]\n: b", 6, "plain word"), Fault("name: a\n", "name: a\n\tx\n", 2, "not YAML"),
        ])
    func faults(_ fault: Fault) throws {
        let text = Self.smallest.replacingOccurrences(of: fault.from, with: fault.to)
        #expect(text != Self.smallest)
        let error = try #require(Self.refusal(text))
        #expect(error.description.contains(fault.words), "\(error)")
        #expect(error.line == fault.line, "\(error)")
        #expect(error.description.hasPrefix("worker.yaml:\(fault.line): "))
    }

    @Test("is bounded in size and depth before it is parsed") func bounds() throws {
        let filler = String(repeating: "#", count: 65_536 - Self.smallest.utf8.count)
        #expect(Self.refusal(Self.smallest + filler) == nil)
        #expect(Self.refusal(Self.smallest + filler + "#") != nil)
        #expect(Self.refusal(String(repeating: "[", count: 60_000)) != nil)
        #expect(Self.refusal(String(repeating: "- ", count: 30_000)) != nil)
        #expect(Self.refusal(String(repeating: "? ", count: 30_000)) != nil)
        #expect(Self.refusal("") != nil)
        #expect(Self.refusal("- a") != nil)
        // A tower of aliases that would be 10^9 nodes when walked.
        var tower = "a0: &a0 [x]\n"
        for level in 1..<10 {
            let references = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            tower += "a\(level): &a\(level) [\(references)]\n"
        }
        #expect(Self.refusal(tower)?.problem.contains("anchors") == true)
    }

    @Test("never makes the reader trap") func garbage() {
        let words = Array(Self.smallest.utf8) + Array("{}[]&*!|>%@`\"'\n\t:-?#,".utf8)
        for seed in 0..<UInt64(2_000) {
            var random = SplitMix64(seed: seed)
            var bytes = Array(Self.smallest.utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                    words[Int.random(in: 0..<words.count, using: &random)]
            }
            // Refused or not, both are fine; what is refused says so in words.
            let text = String(decoding: bytes, as: UTF8.self)
            if let error = Self.refusal(text) { #expect(!error.problem.isEmpty, "replay with seed \(seed)") }
        }
    }

    @Test("is loaded from a folder, with the path in the message") func loading() throws {
        let folder = try TemporaryFolder()
        let missing = #expect(throws: ManifestError.self) { _ = try WorkerManifest.load(folder: folder.path) }
        #expect(missing?.description.contains(folder.path + "/worker.yaml") == true)
        #expect(missing?.description.contains("dsmp worker new") == true)
        try Data(Self.smallest.utf8).write(to: URL(filePath: folder.file("worker.yaml")))
        #expect(try WorkerManifest.load(folder: folder.path).name == "a")
        try Data([0xFF, 0xFE]).write(to: URL(filePath: folder.file("worker.yaml")))
        #expect(throws: ManifestError.self) { _ = try WorkerManifest.load(folder: folder.path) }
    }

    @Test("orders its releases as semver.org does") func releases() throws {
        let ordered =
            ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11"]
            + ["1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0", "2.0.0", "10.0.0"]
        let versions = try ordered.map { try #require(SemanticVersion($0)) }
        #expect(versions.shuffled().sorted() == versions)
        #expect(versions.map(\.description) == ordered)
        for text in ["", "1", "1.2", "1.2.3.4", "a.b.c", "1.2.-3", "-1.2.3", "1.2.3-a..b", "4294967296.0.0", "1.2.3-ä"]
        {
            #expect(SemanticVersion(text) == nil, "\(text)")
        }
    }

    @Test("of every template and shipped worker is valid", arguments: WorkerTemplate.allCases)
    func templates(_ template: WorkerTemplate) async throws {
        let folder = try TemporaryFolder()
        let worker = folder.file("mine")
        let paths = try template.write(to: worker, name: "mine")
        #expect(paths.contains("worker.yaml"))
        #expect(try WorkerManifest.load(folder: worker).name == "mine")
        #expect(throws: FileError.self) { _ = try template.write(to: worker, name: "mine") }
        for name in ["digest", "wordfreq", "query", "sort"] {
            let shipped = try WorkerManifest.load(folder: "\(Repository.root)/Plugins/Workers/\(name)")
            #expect(shipped.name == name)
        }
    }
}
