import Yams

/// A leaf of a YAML mapping with its place. Nested mappings and dotted keys name the same field:
/// `process: {memory: {max: 1G}}` is `process.memory.max: 1G`.
struct Field {
    /// Dotted name below the mapping that was read.
    let name: String
    let node: Node
    let line: Int
}

/// Walks a YAML mapping for known fields and makes errors with file, line and field.
struct FieldReader {
    let file: String
    /// The dotted name of the mapping being read, with a dot at its end, or empty.
    let prefix: String

    /// The most leaves of one mapping.
    static let maximumFieldCount = 256

    func error(_ field: Field, _ problem: String) -> PolicyTextError {
        PolicyTextError(file: self.file, line: field.line, field: self.prefix + field.name, problem: problem)
    }

    /// The leaves of `node`. A name in `known` is a leaf; a name that begins one is descended into; any other is refused.
    func fields(of node: Node, known: [String]) throws(PolicyTextError) -> [Field] {
        var found: [Field] = []
        try self.collect(node, path: "", known: known, into: &found)
        for (index, field) in found.enumerated() where found[..<index].contains(where: { $0.name == field.name }) {
            throw self.error(field, "is given twice; keep one")
        }
        return found
    }

    private func collect(
        _ node: Node, path: String, known: [String], into found: inout [Field]
    ) throws(PolicyTextError) {
        let line = node.mark?.line ?? 0
        guard case .mapping(let mapping) = node else {
            if case .scalar(let scalar) = node, scalar.string.isEmpty { return }
            let name = path.isEmpty ? String(self.prefix.dropLast()) : self.prefix + path
            throw PolicyTextError(
                file: self.file, line: line, field: name,
                problem: "is not a mapping; write fields under it, one of \(Self.list(known))")
        }
        for (key, value) in mapping {
            let name = (path.isEmpty ? "" : path + ".") + (key.string ?? "?")
            let keyLine = key.mark?.line ?? line
            if known.contains(name) {
                guard found.count < Self.maximumFieldCount else {
                    throw PolicyTextError(
                        file: self.file, line: keyLine, field: self.prefix + name, problem: "has too many fields")
                }
                found.append(Field(name: name, node: value, line: keyLine))
            } else if known.contains(where: { $0.hasPrefix(name + ".") }) {
                try self.collect(value, path: name, known: known, into: &found)
            } else {
                throw PolicyTextError(
                    file: self.file, line: keyLine, field: self.prefix + name,
                    problem: "is no field; the fields are \(Self.list(known))")
            }
        }
    }

    private static func list(_ names: [String]) -> String { names.sorted().joined(separator: ", ") }

    // MARK: Values

    func text(_ field: Field) throws(PolicyTextError) -> String {
        guard case .scalar(let scalar) = field.node else { throw self.error(field, "is not a single value") }
        return scalar.string
    }

    func integer(_ field: Field, in range: ClosedRange<Int>) throws(PolicyTextError) -> Int {
        let text = try self.text(field)
        guard let value = Int(text), range.contains(value) else {
            throw self.error(
                field, "\"\(text)\" is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func size(_ field: Field, atLeast minimum: UInt64) throws(PolicyTextError) -> UInt64 {
        let text = try self.text(field)
        let bytes = try self.located(field) { () throws(FieldProblem) in try ByteSize.parse(text) }
        guard bytes >= minimum else {
            throw self.error(field, "\(text) is less than the least possible \(ByteSize.text(minimum))")
        }
        return bytes
    }

    /// The texts of a sequence, or of a single value as a sequence of one.
    func texts(_ field: Field, atMost count: Int) throws(PolicyTextError) -> [String] {
        if case .scalar(let scalar) = field.node { return scalar.string.isEmpty ? [] : [scalar.string] }
        guard case .sequence(let sequence) = field.node else { throw self.error(field, "is not a list") }
        guard sequence.count <= count else {
            throw self.error(field, "has \(sequence.count) entries, more than \(count)")
        }
        var texts: [String] = []
        for node in sequence {
            guard case .scalar(let scalar) = node else {
                throw PolicyTextError(
                    file: self.file, line: node.mark?.line ?? field.line, field: self.prefix + field.name,
                    problem: "has an entry that is not a single value; write it as a text")
            }
            texts.append(scalar.string)
        }
        return texts
    }

    /// Adds the field's place to a problem of its value.
    func located<Value>(
        _ field: Field, _ body: () throws(FieldProblem) -> Value
    ) throws(PolicyTextError) -> Value {
        do { return try body() } catch { throw self.error(field, error.description) }
    }

    /// The value of a field that is one of a few names.
    func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ field: Field, _ text: String, _ type: Value.Type
    ) throws(PolicyTextError) -> Value {
        guard let value = Value(rawValue: text) else {
            let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw self.error(field, "\"\(text)\" is none of \(names)")
        }
        return value
    }
}
