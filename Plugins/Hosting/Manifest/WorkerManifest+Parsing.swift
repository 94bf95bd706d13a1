import Policy
import Yams

extension WorkerManifest {
    private static let keys = [
        "name", "kind", "entry", "release", "methods", "description", "visibility", "tags", "price", "instances",
        "concurrency", "ready-seconds", "watchdog-seconds", "stop-seconds", "limits", "sandbox",
    ]

    /// Reads `worker.yaml` of a worker's folder.
    ///
    /// - Throws: ``ManifestError`` with the file as the caller named it, the line and the remedy.
    package static func load(folder: String) throws(ManifestError) -> WorkerManifest {
        let path = folder + "/" + ManifestLimits.fileName
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try BoundedFile.read(path, limit: ManifestLimits.fileBytes)
        } catch {
            throw ManifestError(
                file: path, problem: error.problem,
                remedy: "a worker is a folder with a worker.yaml; `dsmp worker new` makes one")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ManifestError(file: path, problem: "it is not UTF-8", remedy: "save it as UTF-8 text")
        }
        return try Self.parse(text, file: path)
    }

    /// Reads a manifest from its text. `file` is named in errors.
    package static func parse(
        _ text: String, file: String = ManifestLimits.fileName
    ) throws(ManifestError) -> WorkerManifest {
        let reader = ManifestReader(file: file)
        let root = try self.compose(text, reader)
        try self.checkShape(text, reader)
        let values = try reader.mapping(root, "the manifest", known: Self.keys)
        func required(_ key: String) throws(ManifestError) -> Node {
            guard let node = values[key] else {
                throw reader.failure(
                    root, "the key `\(key)` is missing", "add it (Specs/worker-manifest.md, section 2)")
            }
            return node
        }
        let kind = try reader.word(try required("kind"), "kind", Kind.self)
        let methods = try Self.readMethods(try required("methods"), kind, reader)
        var entry: [String] = []
        if kind != .exec || values["entry"] != nil || methods.contains(where: \.arguments.isEmpty) {
            entry = try Self.readEntry(try required("entry"), kind, reader)
        }
        var manifest = WorkerManifest(
            name: try Self.readName(try required("name"), reader), kind: kind, entry: entry,
            release: try Self.readRelease(try required("release"), reader), methods: methods)
        try manifest.readOptions(values, reader)
        return manifest
    }

    private static func compose(_ text: String, _ reader: ManifestReader) throws(ManifestError) -> Node {
        let node: Node?
        do throws(PolicyTextError) {
            node = try BoundedYAML.compose(text, file: reader.file)
        } catch { throw Self.explain(error) }
        guard let node else { throw reader.failure(nil, "it is empty", "`dsmp worker new` makes an example") }
        return node
    }

    /// Refuses aliases and the like. Nodes refer to their anchors weakly, so that only a parser that lives knows them.
    private static func checkShape(_ text: String, _ reader: ManifestReader) throws(ManifestError) {
        do {
            let parser = try Parser(yaml: text)
            if let root = try parser.singleRoot() { try reader.checkShape(root) }
            withExtendedLifetime(parser) {}
        } catch let error as ManifestError {
            throw error
        } catch {
            throw reader.failure(nil, "it is not one YAML document", "write one mapping of `key: value` lines")
        }
    }

    /// The same fault as an error of the manifest.
    static func explain(_ error: PolicyTextError) -> ManifestError {
        let field = error.field.isEmpty ? "" : "\(error.field): "
        return ManifestError(file: error.file, line: error.line, problem: field + error.problem)
    }

    private static func readName(_ node: Node, _ reader: ManifestReader) throws(ManifestError) -> String {
        let name = try reader.text(node, "name", limit: 256)
        let isName =
            (1...ManifestLimits.nameBytes).contains(name.utf8.count) && name.utf8.allSatisfy(\.isNameByte)
            && !name.hasPrefix("-") && !name.hasSuffix("-")
        guard isName else {
            throw reader.failure(
                node, "`name` is `\(ManifestReader.shown(name))`",
                "give 1 to 63 lower-case letters, digits and inner hyphens")
        }
        return name
    }

    private static func readRelease(_ node: Node, _ reader: ManifestReader) throws(ManifestError) -> SemanticVersion {
        let text = try reader.text(node, "release", limit: 256)
        guard let release = SemanticVersion(text) else {
            throw reader.failure(
                node, "`release` is `\(ManifestReader.shown(text))`", "give a version such as 1.0.0 or 1.2.0-beta.1")
        }
        return release
    }
}
