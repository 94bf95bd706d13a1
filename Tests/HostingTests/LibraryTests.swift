import Foundation
import Glibc
import Hosting
import Mesh
import TestKit
import Testing

@Suite("A library worker") struct LibraryTests {
    private static let manifest = """
        name: mine
        kind: library
        entry: libmine.so
        release: 1.0.0
        methods: {echo: }
        """

    private static func refusal(_ library: TestLibrary.Built, trusted: Set<String>) async throws -> (String, [String]) {
        let test = try ConformanceHost(trusted: TrustedLibraries(digests: trusted))
        let deployment = try test.deployment(Self.manifest, files: ["libmine.so": library.path])
        let error = await #expect(throws: HostingError.self) { try await test.start(deployment) }
        let state = await test.host.status(deployment.worker)?.state
        #expect(state == .failed || state == .backoff)
        let log = try await test.host.logs(deployment.worker, lines: 100)
        await test.host.shutdown()
        return (error?.description ?? "", log)
    }

    @Test("is refused unless the operator trusts its digest, and the refusal says how to") func trust() async throws {
        let library = try TestLibrary.conformance.get()
        let (text, _) = try await Self.refusal(library, trusted: [])
        #expect(text.contains("is not trusted"))
        #expect(text.contains(library.digest))
        #expect(text.contains("trusted-libraries"))
    }

    @Test(
        "that does not fit is refused with the reason",
        arguments: zip(
            1...10,
            [
                "exports no dsmp_worker_entry", "version 9", "entry is incomplete", "init failed with -1",
                "has no factory", "factory is incomplete", "refused to make", "worker is incomplete", "refused to make",
                "worker is incomplete",
            ]))
    func misfit(_ kind: Int, _ words: String) async throws {
        // A folder of its own, so that the cases do not overwrite one another.
        let folder = try TemporaryFolder()
        let source = folder.file("broken\(kind).c")
        try FileManager.default.copyItem(
            atPath: Repository.root + "/Tests/ConformanceWorkers/broken/broken.c", toPath: source)
        let library = try TestLibrary.compile(source, flags: ["-DBROKEN=\(kind)", "-Wno-address", "-Wno-unused"])
        let (text, log) = try await Self.refusal(library, trusted: [library.digest])
        #expect(text.contains(words), "\(text)")
        if kind >= 7 { #expect(log.contains { $0.contains("no \\u{1b}[31mred\\u{1b}[0m") }, "\(log)") }
    }

    @Test("that is no library at all is refused") func garbage() async throws {
        let folder = try TemporaryFolder()
        try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: folder.file("libmine.so")))
        let digest = String(try Command.run("sha256sum", [folder.file("libmine.so")]).prefix(64))
        let built = TestLibrary.Built(path: folder.file("libmine.so"), digest: digest)
        let (text, _) = try await Self.refusal(built, trusted: [digest])
        #expect(text.contains("cannot be loaded"), "\(text)")
    }

    @Test("may answer from a thread of its own") func threads() async throws {
        let test = try await ConformanceHost.ready(.library)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<50 {
                group.addTask {
                    let answer = try await test.call("thread", [[UInt8](repeating: 0, count: index)])
                    #expect(answer == [Array("\(index)".utf8)])
                }
            }
            try await group.waitForAll()
        }
        await test.host.shutdown()
    }

    @Test("is copied to a file named by its content, which nobody else may change") func copying() async throws {
        let test = try await ConformanceHost.ready(.library)
        let digest = try TestLibrary.conformance.get().digest
        #expect(test.folder.mode(of: "libraries") == 0o700)
        #expect(test.folder.mode(of: "libraries/\(digest).so") == 0o500)
        await test.host.shutdown()
    }

    @Test("is trusted by a list that only the agent's user may write") func list() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("trusted-libraries")
        func load(_ text: String, mode: mode_t = 0o600) throws -> TrustedLibraries {
            try Data(text.utf8).write(to: URL(filePath: path))
            chmod(path, mode)
            return try TrustedLibraries.load(path: path)
        }
        let digest = String(repeating: "ab", count: 32)
        #expect(try TrustedLibraries.load(path: path).digests.isEmpty)
        #expect(try load("# mine\n\n\(digest) libdigest, checked by me\n").digests == [digest])
        #expect(throws: LibraryError.self) { try load(digest, mode: 0o620) }
        #expect(throws: LibraryError.self) { try load(digest, mode: 0o602) }
        for wrong in [String(digest.dropLast()), digest + "a", digest.uppercased(), "x"] {
            let error = #expect(throws: LibraryError.self) { try load("# first\n\(wrong)\n") }
            #expect(error?.description.contains("line 2") == true)
        }
        let many = (0..<1_025).map { String(repeating: "0", count: 60) + String(format: "%04x", $0) }
        #expect(try load(many.dropLast().joined(separator: "\n")).digests.count == 1_024)
        #expect(throws: LibraryError.self) { try load(many.joined(separator: "\n")) }
    }
}
