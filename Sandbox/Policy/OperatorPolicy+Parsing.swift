import Yams

extension OperatorPolicy {
    /// Reads policy.yaml:
    ///
    ///     version: 1
    ///     every_worker: {limits: {…}, profile: […], bind: […], device: […], network: […]}
    ///     workers: {"NAME": {…}}
    ///
    /// A ceiling that is not stated is the built-in one.
    package init(parsing text: String, file: String) throws(PolicyTextError) {
        self.init()
        guard let node = try BoundedYAML.compose(text, file: file) else { return }
        let reader = FieldReader(file: file, prefix: "")
        let fields = try reader.fields(of: node, known: ["version", "every_worker", "workers"])
        guard let version = fields.first(where: { $0.name == "version" }) else {
            throw PolicyTextError(file: file, line: 1, field: "version", problem: "is missing; write `version: 1`")
        }
        _ = try reader.integer(version, in: 1...1)
        for field in fields {
            switch field.name {
            case "every_worker":
                let stated = try Grants(parsing: field.node, file: file, prefix: "every_worker.")
                self.everyWorker = Grants.standard.adding(stated)
            case "workers": self.workers = try Self.workers(field, reader)
            default: break
            }
        }
    }

    private static func workers(_ field: Field, _ reader: FieldReader) throws(PolicyTextError) -> [NamedGrants] {
        guard case .mapping(let mapping) = field.node else {
            throw reader.error(field, "is not a mapping; write worker names under it")
        }
        guard mapping.count <= Self.maximumWorkerCount else {
            throw reader.error(field, "names more than \(Self.maximumWorkerCount) workers")
        }
        var workers: [NamedGrants] = []
        for (key, value) in mapping {
            guard let name = key.string, !name.isEmpty else {
                throw reader.error(field, "has a key that is no worker name")
            }
            let grants = try Grants(parsing: value, file: reader.file, prefix: "workers.\(name).")
            workers.append(NamedGrants(worker: name, grants: grants))
        }
        return workers
    }
}

extension Grants {
    private static let fieldNames = ["limits", "profile", "bind", "device", "network"]

    init(parsing node: Node, file: String, prefix: String) throws(PolicyTextError) {
        self.init()
        let reader = FieldReader(file: file, prefix: prefix)
        for field in try reader.fields(of: node, known: Self.fieldNames) {
            switch field.name {
            case "limits":
                self.limits = try StatedLimits(parsing: field.node, file: file, prefix: prefix + "limits.")
            case "profile":
                for text in try reader.texts(field, atMost: SandboxProfile.allCases.count) {
                    self.profiles.append(try reader.choice(field, text, SandboxProfile.self))
                }
            case "network":
                for text in try reader.texts(field, atMost: NetworkAccess.allCases.count) {
                    self.networks.append(try reader.choice(field, text, NetworkAccess.self))
                }
            case "device": self.devices = try SandboxRequest.paths(field, reader)
            default:
                for text in try reader.texts(field, atMost: SandboxRequest.maximumBindCount) {
                    let bind = try reader.located(field) { () throws(FieldProblem) in try GrantedPath(parsing: text) }
                    if let always = ProtectedPaths.always.first(where: {
                        AbsolutePath.isInside(bind.path, $0) || AbsolutePath.isInside($0, bind.path)
                    }) {
                        throw reader.error(field, "\(bind.path) is, holds or lies in \(always), which is never granted")
                    }
                    self.binds.append(bind)
                }
            }
        }
    }
}
