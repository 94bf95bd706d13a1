import Commands
import Hosting
import Testing

@Suite("A new worker") struct TemplateTests {
    @Test("has a manifest that is accepted, and the files it names", arguments: Commands.WorkerTemplate.Kind.allCases)
    func manifest(kind: Commands.WorkerTemplate.Kind) throws {
        let files = Commands.WorkerTemplate(kind: kind, name: "hello").files
        let text = try #require(files.first { $0.name == "worker.yaml" }).content
        let manifest = try WorkerManifest.parse(String(decoding: text, as: UTF8.self))
        #expect(manifest.name == "hello")
        #expect(manifest.methods.map(\.name) == ["greet"])
        let program = kind == .c ? nil : manifest.entry.last
        #expect(program == nil || files.contains { $0.name == program })
        #expect(files.allSatisfy { !$0.content.isEmpty && $0.content.last == 0x0a })
    }

    @Test(
        "brings the SDK of this version",
        arguments: [
            (Commands.WorkerTemplate.Kind.python, "dsmp_worker.py", "class Worker"),
            (.c, "dsmp_worker.h", "DSMP_ABI_VERSION"),
        ])
    func sdk(kind: Commands.WorkerTemplate.Kind, name: String, expected: String) throws {
        let file = try #require(Commands.WorkerTemplate(kind: kind, name: "hello").files.first { $0.name == name })
        let text = String(decoding: file.content, as: UTF8.self)
        #expect(text.contains(expected))
    }
}
