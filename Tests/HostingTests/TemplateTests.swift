import Foundation
import Hosting
import Identity
import Mesh
import TestKit
import Testing

@Suite("A worker from a template") struct TemplateTests {
    /// Everything but Swift, whose project wants a package build of its own of several minutes.
    @Test("runs as it is written", arguments: [WorkerTemplate.python, .c, .exec])
    func runs(_ template: WorkerTemplate) async throws {
        let folder = try TemporaryFolder()
        let worker = folder.file("mine")
        _ = try template.write(to: worker, name: "mine")
        var trusted = TrustedLibraries()
        if template == .c {
            try Command.run(worker + "/build", [])
            trusted = TrustedLibraries(digests: [
                String(try Command.run("sha256sum", [worker + "/libworker.so"]).prefix(64))
            ])
        }
        let test = try ConformanceHost(trusted: trusted)
        let text = String(decoding: try Data(contentsOf: URL(filePath: worker + "/worker.yaml")), as: UTF8.self)
        var deployment = try test.deployment(text)
        deployment.releaseFolder = worker
        try await test.start(deployment)
        let (method, expected) = template == .c ? ("lines", "2\n") : ("upper", "ONE\nTWO\n")
        let answer = try await test.call(method, [Array("one\nt".utf8), Array("wo\n".utf8)], worker: "mine")
        #expect(Array(answer.joined()) == Array(expected.utf8))
        await test.host.shutdown()
    }
}
