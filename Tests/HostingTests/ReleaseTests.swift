import Foundation
import Glibc
import Hosting
import TestKit
import Testing
import Wire

@Suite("A release") struct ReleaseTests {
    /// A folder with these files; a path that ends in `!` is executable.
    static func folder(_ files: [String: [UInt8]]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (path, bytes) in files {
            let plain = path.hasSuffix("!") ? String(path.dropLast()) : path
            let url = URL(filePath: folder.file(plain))
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: url)
            chmod(folder.file(plain), path.hasSuffix("!") ? 0o755 : 0o640)
        }
        return folder
    }

    static let small: [String: [UInt8]] = [
        "worker.yaml": Array("name: a\n".utf8), "bin/run!": [1, 2, 3], "a": [],
        "a-b/c": [UInt8](repeating: 7, count: 512),
        "big": [UInt8](repeating: 9, count: 1_000_000),
    ]

    private struct Vectors: Decodable {
        struct File: Decodable {
            let path: String
            let text: String
            let executable: Bool
        }
        struct Vector: Decodable {
            let files: [File]
            let sha256: String
            let cid: String
            let bytes: UInt64
        }
        let releases: [Vector]
    }

    @Test("has the name that the vectors give") func vectors() throws {
        let vectors = try Repository.vectors("Specs/vectors/release.json", as: Vectors.self)
        #expect(vectors.releases.count >= 3)
        for vector in vectors.releases {
            let folder = try Self.folder(
                Dictionary(
                    uniqueKeysWithValues: vector.files.map {
                        ($0.path + ($0.executable ? "!" : ""), Array($0.text.utf8))
                    }))
            let output = try TemporaryFolder()
            let packed = try ReleaseArchive.pack(folder: folder.path, to: output.file("archive"))
            #expect(packed.cid.description == vector.cid)
            #expect(packed.byteCount == vector.bytes)
            #expect(try Command.run("sha256sum", [output.file("archive")]).hasPrefix(vector.sha256))
        }
    }

    @Test("is the same for the same folder, and is read by tar") func deterministic() throws {
        let first = try Self.folder(Self.small)
        let second = try Self.folder(Self.small)
        let output = try TemporaryFolder()
        let packed = try ReleaseArchive.pack(folder: first.path, to: output.file("archive"))
        #expect(try ReleaseArchive.identify(folder: second.path) == packed)
        #expect(packed.fileCount == 5)
        let listed = try Command.run("tar", ["-tf", output.file("archive")])
        #expect(listed == "a\na-b/c\nbig\nbin/run\nworker.yaml\n")
        let extracted = output.file("x")
        try FileManager.default.createDirectory(atPath: extracted, withIntermediateDirectories: false)
        try Command.run("tar", ["-xf", output.file("archive"), "-C", extracted])
        try Command.run("diff", ["-r", extracted, first.path])
        chmod(second.file("a"), 0o700)
        #expect(try ReleaseArchive.identify(folder: second.path) != packed, "the executable bit counts")
    }

    @Test("installs read-only, once, and nothing remains of a failure") func installing() throws {
        let source = try Self.folder(Self.small)
        let data = try TemporaryFolder()
        let store = try ReleaseStore(folder: data.file("releases"))
        let packed = try store.install(folder: source.path, keepingArchiveAt: data.file("kept.tar"))
        let path = store.path(of: packed.cid)
        #expect(path == data.file("releases/\(packed.cid)"))
        try Command.run("diff", ["-r", path, source.path])
        let listing = try Command.run("find", [path, "-printf", "%m %P\\n"]).split(separator: "\n").sorted()
        #expect(
            listing == [
                "444 a", "444 a-b/c", "444 big", "444 worker.yaml", "555 ", "555 a-b", "555 bin", "555 bin/run",
            ])
        #expect(store.contains(packed.cid))
        try store.install(archive: data.file("kept.tar"), expecting: packed.cid)
        let other = try #require(try? CID.raw(sha256: [UInt8](repeating: 1, count: 32)))
        let error = #expect(throws: ReleaseError.self) {
            try store.install(archive: data.file("kept.tar"), expecting: other)
        }
        #expect(error?.description.contains(packed.cid.description) == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder) == [packed.cid.description])
        store.remove(packed.cid)
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder).isEmpty)
    }

    @Test("clears what an interrupted installation left") func interrupted() throws {
        let data = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: data.file("releases/.new-12/x"), withIntermediateDirectories: true)
        let store = try ReleaseStore(folder: data.file("releases"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder).isEmpty)
    }

    @Test("is not made of what cannot be packed") func refusals() throws {
        func refusal(_ prepare: (TemporaryFolder) throws -> Void) throws -> String {
            let folder = try Self.folder(["worker.yaml": [1]])
            try prepare(folder)
            let output = try TemporaryFolder()
            let error = #expect(throws: ReleaseError.self) {
                _ = try ReleaseArchive.pack(folder: folder.path, to: output.file("archive"))
            }
            #expect(!FileManager.default.fileExists(atPath: output.file("archive")))
            return error?.description ?? ""
        }
        #expect(try refusal { symlink("/etc/passwd", $0.file("l")) }.contains("symbolic link"))
        #expect(try refusal { mkfifo($0.file("p"), 0o600) }.contains("neither a file nor a folder"))
        #expect(try refusal { unlink($0.file("worker.yaml")) }.contains("has no worker.yaml"))
        #expect(try refusal { try Data().write(to: URL(filePath: $0.file("a\\b"))) }.contains("backslash"))
        #expect(try refusal { try Data().write(to: URL(filePath: $0.file("a\nb"))) }.contains("control character"))
        let name = String(repeating: "n", count: 101)
        #expect(try refusal { try Data().write(to: URL(filePath: $0.file(name))) }.contains("divides"))
        let missing = #expect(throws: ReleaseError.self) { _ = try ReleaseArchive.identify(folder: "/no/such/folder") }
        #expect(missing?.description.contains("/no/such/folder") == true)
    }

    @Test("obeys its limits at their edges") func limits() throws {
        let folder = try Self.folder(["worker.yaml": [1, 2], "a/b/c": [3]])
        var limits = ReleaseLimits()
        limits.files = 2
        limits.totalBytes = 3
        limits.depth = 2
        _ = try ReleaseArchive.identify(folder: folder.path, limits: limits)
        for change: (inout ReleaseLimits) -> Void in [{ $0.files = 1 }, { $0.totalBytes = 2 }, { $0.depth = 1 }] {
            var smaller = limits
            change(&smaller)
            #expect(throws: ReleaseError.self) { _ = try ReleaseArchive.identify(folder: folder.path, limits: smaller) }
        }
        let name = String(repeating: "n", count: 100)
        let long = String(repeating: "p", count: 75) + "/" + String(repeating: "q", count: 79) + "/"
        let edges = try Self.folder(["worker.yaml": [], name: [], long + String(repeating: "m", count: 99): []])
        let data = try TemporaryFolder()
        let store = try ReleaseStore(folder: data.file("releases"))
        let packed = try store.install(folder: edges.path)
        #expect(packed.fileCount == 3)
    }

    @Test("leaves hidden files out") func hidden() throws {
        let plain = try Self.folder(Self.small)
        let more = try Self.folder(Self.small.merging([".git/config": [1], ".hidden": [2]]) { first, _ in first })
        #expect(try ReleaseArchive.identify(folder: plain.path) == ReleaseArchive.identify(folder: more.path))
    }
}
