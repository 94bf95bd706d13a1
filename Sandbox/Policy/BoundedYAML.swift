package import Yams

/// Reads YAML from people and strangers without letting its size, depth or aliases cost more than its bytes.
package enum BoundedYAML {
    /// The longest text, in bytes.
    package static let maximumByteCount = 64 << 10
    /// The most columns before the first letter of a line. Each level of block nesting takes at least one.
    package static let maximumIndentation = 64
    /// The most `[` and `{` open at once.
    package static let maximumFlowDepth = 16

    /// Parses one document.
    ///
    /// - Parameters:
    ///   - text: what the file holds.
    ///   - file: the file's name for messages.
    /// - Returns: its node; `nil` when the text holds no document.
    /// - Throws: what breaks a bound or is not YAML, with its line.
    package static func compose(_ text: String, file: String) throws(PolicyTextError) -> Node? {
        try Self.checkBounds(text, file: file)
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw Self.problem(error, file: file)
        } catch {
            throw PolicyTextError(file: file, line: 0, field: "", problem: "not YAML: \(error)")
        }
        return node
    }

    private static func problem(_ error: YamlError, file: String) -> PolicyTextError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            PolicyTextError(file: file, line: mark.line, field: "", problem: "not YAML: \(problem); correct the line")
        case .duplicatedKeysInMapping(let keys, let context):
            PolicyTextError(
                file: file, line: context.mark.line, field: "",
                problem: "the keys \(keys.sorted().joined(separator: ", ")) occur twice; keep one of each")
        default: PolicyTextError(file: file, line: 0, field: "", problem: "not YAML: \(error)")
        }
    }

    /// The parser recurses once a level, so levels are bounded before it sees the text.
    private static func checkBounds(_ text: String, file: String) throws(PolicyTextError) {
        guard text.utf8.count <= Self.maximumByteCount else {
            throw PolicyTextError(
                file: file, line: 0, field: "",
                problem: "\(text.utf8.count) bytes are more than \(Self.maximumByteCount); shorten the file")
        }
        var line = 1
        var indentation = 0
        var isIndented = true
        var depth = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"):
                line += 1
                indentation = 0
                isIndented = true
                continue
            case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"), UInt8(ascii: "\t"):
                if isIndented { indentation += 1 }
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                isIndented = false
                depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                isIndented = false
                depth = max(0, depth - 1)
            default: isIndented = false
            }
            guard indentation <= Self.maximumIndentation, depth <= Self.maximumFlowDepth else {
                throw PolicyTextError(
                    file: file, line: line, field: "", problem: "nested too deep; no field lies that deep")
            }
        }
    }
}
