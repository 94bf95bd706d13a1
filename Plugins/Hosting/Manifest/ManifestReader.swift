import Yams

/// Walks the nodes of a manifest and refuses what the specification does not allow, with the place and the remedy.
struct ManifestReader {
    let file: String

    func failure(_ node: Node?, _ problem: String, _ remedy: String) -> ManifestError {
        ManifestError(file: self.file, line: node?.mark?.line ?? 0, problem: problem, remedy: remedy)
    }

    /// Refuses aliases, anchors, merge keys and deep nesting anywhere below `node`.
    func checkShape(_ node: Node, depth: Int = 0) throws(ManifestError) {
        guard depth <= ManifestLimits.nesting else {
            throw self.failure(node, "it is nested deeper than \(ManifestLimits.nesting) levels", "make it flatter")
        }
        // An anchor is met before anything that refers to it, so that a tower of aliases is never walked.
        if node.anchor != nil {
            throw self.failure(node, "anchors and aliases are not allowed", "write the value out where it is used")
        }
        switch node {
        case .scalar: break
        case .alias: throw self.failure(node, "aliases are not allowed", "write the value out")
        case .sequence(let items): for item in items { try self.checkShape(item, depth: depth + 1) }
        case .mapping(let pairs):
            for (key, value) in pairs {
                guard case .scalar(let scalar) = key, scalar.string != "<<" else {
                    throw self.failure(key, "a key must be a plain word", "write `key: value`")
                }
                try self.checkShape(key, depth: depth + 1)
                try self.checkShape(value, depth: depth + 1)
            }
        }
    }

    /// The pairs of a mapping whose keys are all among `known`.
    func mapping(_ node: Node, _ what: String, known: [String]) throws(ManifestError) -> [String: Node] {
        var values: [String: Node] = [:]
        for (key, value) in try self.pairs(node, what) {
            guard known.contains(key.name) else {
                let hint = NearestWord.of(key.name, among: known).map { "did you mean `\($0)`?" }
                throw self.failure(
                    key.node, "unknown key `\(Self.shown(key.name))` in \(what)",
                    hint ?? "known keys are \(known.joined(separator: ", "))")
            }
            values[key.name] = value
        }
        return values
    }

    /// The pairs of a mapping in the order of the file.
    func pairs(_ node: Node, _ what: String) throws(ManifestError) -> [(key: (name: String, node: Node), value: Node)] {
        guard case .mapping(let pairs) = node else {
            throw self.failure(node, "\(what) must be a mapping", "write `key: value` lines")
        }
        return pairs.map { ((name: $0.key.scalar?.string ?? "", node: $0.key), $0.value) }
    }

    /// A text of at most `limit` bytes without control characters other than line ends and tabs.
    func text(_ node: Node, _ key: String, limit: Int) throws(ManifestError) -> String {
        guard case .scalar(let scalar) = node else {
            throw self.failure(node, "`\(key)` must be a text", "write `\(key): some text`")
        }
        guard scalar.string.utf8.count <= limit else {
            throw self.failure(
                node, "`\(key)` has \(scalar.string.utf8.count) bytes, more than \(limit)", "shorten it")
        }
        let isClean = scalar.string.unicodeScalars.allSatisfy { character in
            character.value >= 0x20 && character.value != 0x7F || character == "\n" || character == "\t"
        }
        guard isClean else {
            throw self.failure(node, "`\(key)` contains a control character", "remove it")
        }
        return scalar.string
    }

    func integer(_ node: Node, _ key: String, in range: ClosedRange<Int>) throws(ManifestError) -> Int {
        let text = try self.text(node, key, limit: 32)
        guard let value = Int(text), range.contains(value) else {
            throw self.failure(
                node, "`\(key)` is `\(Self.shown(text))`",
                "give a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func flag(_ node: Node, _ key: String) throws(ManifestError) -> Bool {
        switch try self.text(node, key, limit: 32) {
        case "true": return true
        case "false": return false
        case let other:
            throw self.failure(node, "`\(key)` is `\(Self.shown(other))`", "give `true` or `false`")
        }
    }

    /// One of a set of words.
    func word<Word: RawRepresentable & CaseIterable>(
        _ node: Node, _ key: String, _: Word.Type
    ) throws(ManifestError) -> Word where Word.RawValue == String {
        let text = try self.text(node, key, limit: 64)
        if let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue)
        let hint = NearestWord.of(text, among: words).map { "did you mean `\($0)`?" }
        throw self.failure(
            node, "`\(key)` is `\(Self.shown(text))`", hint ?? "give one of \(words.joined(separator: ", "))")
    }

    func texts(
        _ node: Node, _ key: String, count: Int, limit: Int
    ) throws(ManifestError) -> [(text: String, node: Node)] {
        guard case .sequence(let items) = node else {
            throw self.failure(node, "`\(key)` must be a list", "write `\(key): [first, second]`")
        }
        guard items.count <= count else {
            throw self.failure(node, "`\(key)` has \(items.count) items, more than \(count)", "remove some")
        }
        var texts: [(text: String, node: Node)] = []
        for item in items { texts.append((try self.text(item, key, limit: limit), item)) }
        return texts
    }

    /// A stranger's text as it may be shown in a message: short and without control characters.
    static func shown(_ text: String) -> String {
        var shown = ""
        for character in text.unicodeScalars.prefix(64) {
            shown.unicodeScalars.append(character.value < 0x20 || character.value == 0x7F ? "?" : character)
        }
        return shown
    }
}
