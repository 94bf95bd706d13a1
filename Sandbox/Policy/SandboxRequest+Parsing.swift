package import Yams

extension SandboxRequest {
    private static let fieldNames = ["profile", "bind", "device", "network"]

    /// Reads the `limits:` and `sandbox:` parts of a manifest. Either may be absent.
    ///
    /// - Parameters:
    ///   - limits: the node under `limits`.
    ///   - sandbox: the node under `sandbox`.
    ///   - file: the file's name for messages.
    /// - Throws: the first thing wrong, with its line and field.
    package init(limits: Node?, sandbox: Node?, file: String) throws(PolicyTextError) {
        self.init()
        if let limits { self.limits = try StatedLimits(parsing: limits, file: file, prefix: "limits.") }
        guard let sandbox else { return }
        let reader = FieldReader(file: file, prefix: "sandbox.")
        for field in try reader.fields(of: sandbox, known: Self.fieldNames) {
            switch field.name {
            case "profile":
                self.profile = try reader.choice(field, try reader.text(field), SandboxProfile.self)
            case "network":
                self.network = try reader.choice(field, try reader.text(field), NetworkAccess.self)
            case "device":
                self.devices = try Self.paths(field, reader)
            default:
                for text in try reader.texts(field, atMost: Self.maximumBindCount) {
                    let bind = try reader.located(field) { () throws(FieldProblem) in try BindMount(parsing: text) }
                    guard !self.binds.contains(where: { $0.target == bind.target }) else {
                        throw reader.error(field, "\(bind.target) is the target of two entries; change one")
                    }
                    self.binds.append(bind)
                }
            }
        }
    }

    /// Reads a text that holds `limits:` and `sandbox:` and nothing else.
    package init(parsing text: String, file: String) throws(PolicyTextError) {
        guard let node = try BoundedYAML.compose(text, file: file) else {
            self.init()
            return
        }
        let reader = FieldReader(file: file, prefix: "")
        let parts = try reader.fields(of: node, known: ["limits", "sandbox"])
        try self.init(
            limits: parts.first { $0.name == "limits" }?.node, sandbox: parts.first { $0.name == "sandbox" }?.node,
            file: file)
    }

    static func paths(_ field: Field, _ reader: FieldReader) throws(PolicyTextError) -> [String] {
        var paths: [String] = []
        for text in try reader.texts(field, atMost: Self.maximumBindCount) {
            paths.append(
                try reader.located(field) { () throws(FieldProblem) in try AbsolutePath.normalised(text) })
        }
        return paths
    }
}
