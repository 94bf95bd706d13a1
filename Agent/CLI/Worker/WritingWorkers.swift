import ArgumentParser
import ControlAPI
import Foundation
import Glibc
import Hosting
import Identity
import Policy
import Wire

struct NewWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make a folder with a worker that works as it is.",
        discussion: """
            dsmp worker new hello                  # Python, a process that stays
            dsmp worker new hello --kind exec      # any program, one process a call
            dsmp worker new hello --kind c         # a library inside the agent
            dsmp worker new hello --folder src/hello
            """)

    @OptionGroup var output: OutputOptions
    @Argument(help: "The worker's name: a-z, 0-9 and -, at most 63.")
    var name: String
    @Option(help: "python, exec or c.")
    var kind = WorkerTemplate.Kind.python
    @Option(help: "Where to make it; the name without it.")
    var folder: String?

    func validate() throws {
        guard WorkerName.isName(self.name) else {
            throw ValidationError(
                "\"\(self.name)\" is no name of a worker: use 1 to 63 of a-z, 0-9 and -, not - at an end")
        }
    }

    private struct Made: Encodable {
        var folder: String
        var files: [String]
    }

    func run() async throws {
        let template = WorkerTemplate(kind: self.kind, name: self.name)
        let folder = self.folder ?? self.name
        guard mkdir(folder, 0o755) == 0 else {
            let hint = errno == EEXIST ? "choose another name or --folder" : "check the folder above it"
            throw ControlError(.conflict, "\(folder) cannot be made: \(String(cString: strerror(errno)))", hint: hint)
        }
        for file in template.files {
            let path = folder + "/" + file.name
            do {
                try Data(file.content).write(to: URL(filePath: path))
            } catch {
                throw ControlError(
                    .failed, "\(path) cannot be written: \(error.localizedDescription)", hint: "check the disk")
            }
            chmod(path, file.isExecutable ? 0o755 : 0o644)
        }
        try Printer.print(Made(folder: folder, files: template.files.map(\.name)), json: self.output.json) {
            (["made \(folder): \(template.files.map(\.name).joined(separator: ", "))", "next:"]
                + template.next(folder).map { "  " + $0 }).joined(separator: "\n")
        }
    }
}

extension WorkerTemplate.Kind: ExpressibleByArgument {}

struct CheckWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say what is wrong with a worker's folder, and what it may do when it runs.",
        discussion: "dsmp worker check hello        # exit status 1 when something is wrong")

    @OptionGroup var output: OutputOptions
    @Argument(help: "The folder with worker.yaml.")
    var folder = "."

    private struct Report: Encodable {
        var name: String
        var kind: String
        var release: String
        var bytes: UInt64
        var files: Int
        var methods: [String]
        var permissions: [String]
    }

    func run() async throws {
        let folder = DefaultFolder.absolute(self.folder, in: FileManager.default.currentDirectoryPath)
        let manifest: WorkerManifest
        let release: ReleaseArchive
        do {
            manifest = try WorkerManifest.load(folder: folder)
            release = try ReleaseArchive.identify(folder: folder)
        } catch {
            throw ControlError(.invalid, "\(error)")
        }
        let report = Report(
            name: manifest.name, kind: manifest.kind.rawValue, release: release.cid.description,
            bytes: release.byteCount, files: release.fileCount, methods: manifest.methods.map(\.name),
            permissions: try Self.permissions(manifest))
        try Printer.print(report, json: self.output.json) {
            ([
                "\(manifest.name) \(manifest.release) is a worker of kind \(manifest.kind.rawValue)",
                "release    \(report.release) (\(report.files) files, \(Amounts.bytes(Int(clamping: report.bytes))))",
                "methods    \(report.methods.joined(separator: ", "))",
                "visibility \(manifest.visibility.rawValue)",
            ] + report.permissions).map(PlainText.clean)
                .joined(separator: "\n")
        }
    }

    /// What the worker may do under the standard policy.
    private static func permissions(_ manifest: WorkerManifest) throws(ControlError) -> [String] {
        if manifest.kind == .library {
            return ["It runs inside the agent: its crash ends the agent. The operator must trust its SHA-256."]
        }
        do {
            let protected = try ProtectedPaths(own: [])
            return try OperatorPolicy().decide(manifest.sandbox, worker: manifest.name, protected: protected)
                .explanation
        } catch let refusal as PolicyRefusal {
            return ["It starts only where the operator's policy.yaml grants more than usual:"]
                + refusal.items.map { "  \($0.field): \($0.reason); \($0.remedy)" }
        } catch {
            throw ControlError(.internal, "\(error)")
        }
    }
}

struct PackWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack", abstract: "Write a worker's folder as one file, the same everywhere.",
        discussion: """
            dsmp worker pack hello                     # hello.tar
            dsmp worker pack hello --output /tmp/hello-0.1.0.tar
            """)

    @OptionGroup var output: OutputOptions
    @Argument(help: "The folder with worker.yaml.")
    var folder: String
    @Option(name: .customLong("output"), help: ArgumentHelp("Where to write it.", valueName: "file"))
    var file: String?

    private struct Packed: Encodable {
        var release: String
        var file: String
        var bytes: UInt64
        var files: Int
    }

    func run() async throws {
        let folder = DefaultFolder.absolute(self.folder, in: FileManager.default.currentDirectoryPath)
        let archive: ReleaseArchive
        let file: String
        do {
            file = try self.file ?? WorkerManifest.load(folder: folder).name + ".tar"
            archive = try ReleaseArchive.pack(folder: folder, to: file)
        } catch {
            throw ControlError(.invalid, "\(error)")
        }
        let packed = Packed(
            release: archive.cid.description, file: file, bytes: archive.byteCount, files: archive.fileCount)
        try Printer.print(packed, json: self.output.json) {
            "packed \(packed.files) files into \(file), \(Amounts.bytes(Int(clamping: packed.bytes)))\nrelease \(packed.release)"
        }
    }
}
