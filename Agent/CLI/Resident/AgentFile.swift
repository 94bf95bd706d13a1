package import ControlAPI
import Glibc
import Yams

/// What `agent.yaml` says; a flag of the command line counts more.
package struct AgentFile: Equatable {
    /// The longest file that is read, in bytes.
    static let byteLimit = SmallFile.byteLimit
    private static let keys = ["listen", "bootstrap", "api", "policy", "log-level"]

    package var listen: [String] = []
    package var bootstrap: [String] = []
    package var api: String?
    package var policy: String?
    package var logLevel: String?

    package init() {}

    /// Reads a file.
    ///
    /// - Throws: `invalid`, naming the file, the line and what to do.
    package init(path: String) throws(ControlError) {
        guard let text = SmallFile.text(path) else {
            throw ControlError(
                .invalid, "\(path) cannot be read, is longer than \(Self.byteLimit) bytes or is no UTF-8",
                hint: "check the name given with --config")
        }
        try self.init(parsing: text, file: path)
    }

    /// Parses the text of a file.
    ///
    /// - Throws: `invalid`, naming the file, the line and what to do.
    package init(parsing text: String, file: String) throws(ControlError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw ControlError(.invalid, "\(file) is no YAML: \(error)")
        }
        guard let root else { return }
        guard let mapping = root.mapping else {
            throw ControlError(.invalid, "\(file) is not a mapping of keys to values", hint: Self.hint)
        }
        for (key, value) in mapping {
            let place = "\(file), line \(key.mark?.line ?? 0)"
            switch key.string {
            case "listen": self.listen = try Self.texts(value, place)
            case "bootstrap": self.bootstrap = try Self.texts(value, place)
            case "api": self.api = try Self.text(value, place)
            case "policy": self.policy = try Self.text(value, place)
            case "log-level": self.logLevel = try Self.text(value, place)
            default:
                throw ControlError(.invalid, "\(place): the key `\(key.string ?? "?")` is not known", hint: Self.hint)
            }
        }
    }

    private static let hint = "the keys are \(Self.keys.joined(separator: ", "))"

    private static func text(_ node: Node, _ place: String) throws(ControlError) -> String {
        guard let text = node.scalar?.string else { throw ControlError(.invalid, "\(place): the value must be a text") }
        return text
    }

    private static func texts(_ node: Node, _ place: String) throws(ControlError) -> [String] {
        if let text = node.scalar?.string { return [text] }
        guard let sequence = node.sequence else {
            throw ControlError(.invalid, "\(place): the value must be a list of texts")
        }
        var texts: [String] = []
        for node in sequence { texts.append(try Self.text(node, place)) }
        return texts
    }
}
