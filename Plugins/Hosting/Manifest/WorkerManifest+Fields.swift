import Policy
import WorkerChannel
import Yams

extension WorkerManifest {
    static func readEntry(_ node: Node, _ kind: Kind, _ reader: ManifestReader) throws(ManifestError) -> [String] {
        guard kind == .library else { return try self.readArguments(node, "entry", reader) }
        let path = try reader.text(node, "entry", limit: 256)
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
            throw reader.failure(
                node, "`entry` is `\(ManifestReader.shown(path))`",
                "name the library relative to the folder, such as libexample.so")
        }
        return [path]
    }

    private static func readArguments(
        _ node: Node, _ key: String, _ reader: ManifestReader
    ) throws(ManifestError) -> [String] {
        let items = try reader.texts(
            node, key, count: ManifestLimits.arguments, limit: ManifestLimits.argumentBytes)
        guard let program = items.first?.text, !program.isEmpty else {
            throw reader.failure(node, "`\(key)` names no program", "write `\(key): [/usr/bin/program, argument]`")
        }
        guard !program.split(separator: "/").contains("..") else {
            throw reader.failure(
                items[0].node, "the program `\(ManifestReader.shown(program))` leaves the folder",
                "give an absolute path, or a path below the worker's folder without `..`")
        }
        return items.map(\.text)
    }

    static func readMethods(_ node: Node, _ kind: Kind, _ reader: ManifestReader) throws(ManifestError) -> [Method] {
        let pairs = try reader.pairs(node, "`methods`")
        guard (1...ManifestLimits.methods).contains(pairs.count) else {
            throw reader.failure(
                node, "`methods` has \(pairs.count) methods", "give 1 to \(ManifestLimits.methods)")
        }
        var methods: [Method] = []
        for (key, value) in pairs {
            guard ChannelOpening.isMethod(key.name.utf8) else {
                throw reader.failure(
                    key.node, "the method `\(ManifestReader.shown(key.name))` is not a method name",
                    "use 1 to \(ManifestLimits.methodBytes) letters, digits, `.`, `_`, `/` and `-`")
            }
            methods.append(try self.readMethod(key.name, value, kind, reader))
        }
        return methods
    }

    private static func readMethod(
        _ name: String, _ node: Node, _ kind: Kind, _ reader: ManifestReader
    ) throws(ManifestError) -> Method {
        var method = Method(name: name)
        if case .scalar(let scalar) = node, ["", "~", "null"].contains(scalar.string) { return method }
        var known = ["description", "input", "output", "streaming", "idempotent"]
        if kind == .exec { known.append("argv") }
        let values = try reader.mapping(node, "method `\(name)`", known: known)
        if let node = values["description"] {
            method.description = try reader.text(node, "description", limit: ManifestLimits.descriptionBytes)
        }
        if let node = values["input"] {
            method.input = try reader.text(node, "input", limit: ManifestLimits.textBytes)
        }
        if let node = values["output"] {
            method.output = try reader.text(node, "output", limit: ManifestLimits.textBytes)
        }
        if let node = values["streaming"] {
            method.streaming = try reader.word(node, "streaming", Streaming.self)
        }
        if let node = values["idempotent"] { method.isIdempotent = try reader.flag(node, "idempotent") }
        if let node = values["argv"] { method.arguments = try self.readArguments(node, "argv", reader) }
        return method
    }

    mutating func readOptions(_ values: [String: Node], _ reader: ManifestReader) throws(ManifestError) {
        if let node = values["description"] {
            self.description = try reader.text(node, "description", limit: ManifestLimits.descriptionBytes)
        }
        if let node = values["visibility"] {
            self.visibility = try reader.word(node, "visibility", Visibility.self)
        }
        if let node = values["tags"] { self.tags = try Self.readTags(node, reader) }
        if let node = values["price"] { self.price = try Self.readPrice(node, reader) }
        if let node = values["instances"] {
            let range = self.kind == .subprocess ? ManifestLimits.instances : 1...1
            self.instances = try reader.integer(node, "instances", in: range)
        }
        if let node = values["concurrency"] {
            self.concurrency = try reader.integer(node, "concurrency", in: ManifestLimits.concurrency)
        }
        if let node = values["ready-seconds"] {
            self.readySeconds = try reader.integer(node, "ready-seconds", in: ManifestLimits.readySeconds)
        }
        if let node = values["watchdog-seconds"] {
            self.watchdogSeconds = try reader.integer(node, "watchdog-seconds", in: ManifestLimits.watchdogSeconds)
        }
        if let node = values["stop-seconds"] {
            self.stopSeconds = try reader.integer(node, "stop-seconds", in: ManifestLimits.stopSeconds)
        }
        do throws(PolicyTextError) {
            self.sandbox = try SandboxRequest(
                limits: values["limits"], sandbox: values["sandbox"], file: reader.file)
        } catch { throw Self.explain(error) }
    }

    private static func readTags(_ node: Node, _ reader: ManifestReader) throws(ManifestError) -> [String] {
        var tags: [String] = []
        for item in try reader.texts(node, "tags", count: ManifestLimits.tags, limit: ManifestLimits.argumentBytes) {
            let isTag =
                (1...ManifestLimits.tagBytes).contains(item.text.utf8.count) && item.text.utf8.allSatisfy(\.isNameByte)
            guard isTag, !tags.contains(item.text) else {
                throw reader.failure(
                    item.node, "the tag `\(ManifestReader.shown(item.text))` is malformed or occurs twice",
                    "use 1 to \(ManifestLimits.tagBytes) lower-case letters, digits and hyphens, each tag once")
            }
            tags.append(item.text)
        }
        return tags
    }

    private static func readPrice(_ node: Node, _ reader: ManifestReader) throws(ManifestError) -> String {
        guard case .mapping = node else { return try reader.text(node, "price", limit: ManifestLimits.textBytes) }
        let text = try self.serialize(node, reader)
        guard text.utf8.count <= ManifestLimits.descriptionBytes else {
            throw reader.failure(node, "`price` is too long", "keep it under 1,024 bytes")
        }
        return text
    }

    private static func serialize(_ node: Node, _ reader: ManifestReader) throws(ManifestError) -> String {
        do { return try Yams.serialize(node: node) } catch {
            throw reader.failure(node, "it cannot be written back as YAML", "use plain texts and numbers")
        }
    }
}
