import Foundation
import Hosting
import TestKit
import Testing
import Wire

/// Archives that tar would unpack, and this agent must not.
@Suite("A hostile archive") struct ReleaseHostilityTests {
    static func archive(_ script: String) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let python = """
            import io, sys, tarfile
            def entry(name, data=b"x", **fields):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                info.mode = 0o644
                for key, value in fields.items():
                    setattr(info, key, value)
                return info, data
            entries = []
            \(script)
            with tarfile.open(sys.argv[1], "w", format=tarfile.USTAR_FORMAT) as out:
                for info, data in entries:
                    out.addfile(info, io.BytesIO(data))
            """
        try Command.run("python3", ["-c", python, folder.file("archive")])
        return [UInt8](try Data(contentsOf: URL(filePath: folder.file("archive"))))
    }

    /// Tries to install; says why it was refused.
    static func refusal(_ bytes: [UInt8], limits: ReleaseLimits = ReleaseLimits()) throws -> String? {
        let folder = try TemporaryFolder()
        let store = try ReleaseStore(folder: folder.file("releases"), limits: limits)
        let cid = try CID.raw(sha256: [UInt8](repeating: 0, count: 32))
        var rest = bytes[...]
        do throws(ReleaseError) {
            try store.install(expecting: cid) { () throws(ReleaseError) -> ArraySlice<UInt8>? in
                defer { rest = rest.dropFirst(777) }
                return rest.isEmpty ? nil : rest.prefix(777)
            }
            return nil
        } catch {
            #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder).isEmpty, "something was left")
            if case .wrongContent = error { return nil }
            return error.description
        }
    }

    @Test(
        "is refused, and nothing of it stays",
        arguments: [
            "entries.append(entry('../escape'))", "entries.append(entry('/etc/escape'))",
            "entries.append(entry('a/../b'))",
            "entries.append(entry('a//b'))", "entries.append(entry('./a'))", "entries.append(entry('.hidden'))",
            "entries.append(entry('a\\\\b'))", "entries.append(entry('a\\nb'))",
            "entries.append(entry('l', b'', type=b'2', linkname='/etc/passwd'))",
            "entries.append(entry('h', b'', type=b'1', linkname='worker.yaml'))",
            "entries.append(entry('d', b'', type=b'3'))", "entries.append(entry('p', b'', type=b'6'))",
            "entries.append(entry('d/', b'', type=b'5'))", "entries.append(entry('s', mode=0o4755))",
            "entries.append(entry('m', mtime=1))", "entries.append(entry('u', uid=1))",
            "entries.append(entry('g', uname='root'))", "entries.append(entry('b')); entries.append(entry('a'))",
            "entries.append(entry('a')); entries.append(entry('a'))",
            "entries.append(entry('a')); entries.append(entry('a/b'))",
        ])
    func entries(_ script: String) throws {
        #expect(try Self.refusal(try Self.archive(script)) != nil)
    }

    private static func good() throws -> [UInt8] {
        let folder = try ReleaseTests.folder(ReleaseTests.small)
        let output = try TemporaryFolder()
        _ = try ReleaseArchive.pack(folder: folder.path, to: output.file("archive"))
        return [UInt8](try Data(contentsOf: URL(filePath: output.file("archive"))))
    }

    @Test("is refused when it is cut, padded or changed anywhere") func damage() throws {
        let good = try Self.good()
        #expect(try Self.refusal(good) == nil)
        #expect(try Self.refusal([]) != nil)
        #expect(try Self.refusal(good + [0]) != nil)
        #expect(try Self.refusal(good + [UInt8](repeating: 0, count: 512)) != nil)
        for count in [1, 511, 512, 513, 1_024] { #expect(try Self.refusal(Array(good.dropLast(count))) != nil) }
        for seed in 0..<UInt64(200) {
            var random = SplitMix64(seed: seed)
            var bytes = good
            // Any change of a header shows at once, one of the data in the digest.
            bytes[Int.random(in: 0..<512, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            #expect(try Self.refusal(bytes) != nil, "replay with seed \(seed)")
        }
    }

    @Test("is refused at its first byte over a limit") func limits() throws {
        let good = try Self.good()
        var limits = ReleaseLimits()
        limits.files = 5
        limits.totalBytes = 1_000_523
        limits.depth = 1
        #expect(try Self.refusal(good, limits: limits) == nil)
        for change: (inout ReleaseLimits) -> Void in [
            { $0.files = 4 }, { $0.totalBytes = 1_000_522 }, { $0.depth = 0 },
        ] {
            var smaller = limits
            change(&smaller)
            #expect(try Self.refusal(good, limits: smaller) != nil)
        }
    }
}
