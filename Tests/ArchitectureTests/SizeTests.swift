import Testing

/// Rooms stay small: a file holds one concept, a function fits a screen (CONTRIBUTING.md).
@Suite("Sizes") struct SizeTests {
    /// Lines of a file, at most.
    static let fileLimit = 300
    /// Lines of a function, at most.
    static let functionLimit = 70
    /// Files that are longer, and why.
    static let exceptions: [String: String] = [
        "Plugins/Python/dsmp_worker.py": "authors copy the SDK into their folder as one file"
    ]

    @Test("of files stay under 300 lines") func filesAreShort() {
        for file in SourceTree.files where !file.isGenerated && Self.exceptions[file.path] == nil {
            #expect(
                file.lines.count <= Self.fileLimit + 1,
                "\(file.path) has \(file.lines.count) lines; split it by concept into Type+Topic files")
        }
    }

    /// A function ends at the closing brace that stands as far in as its first line: the formatter sees to that.
    @Test("of functions fit a screen") func functionsAreShort() {
        for file in SourceTree.files where file.isSwift && !file.isGenerated {
            var open: (line: Int, indentation: Int, hasBody: Bool)?
            for (number, line) in file.code {
                let indentation = line.prefix { $0 == " " }.count
                if let start = open, start.hasBody {
                    guard indentation == start.indentation, line.dropFirst(indentation).hasPrefix("}") else { continue }
                    let length = number - start.line + 1
                    #expect(
                        length <= Self.functionLimit,
                        "\(file.path):\(start.line) is \(length) lines long; give its parts names of their own")
                    open = nil
                } else if Self.startsFunction(line), !line.hasSuffix("}") {
                    // A requirement of a protocol has no body: the next one takes its place.
                    open = (number, indentation, line.hasSuffix("{"))
                } else if let start = open, indentation == start.indentation {
                    open?.hasBody = line.hasSuffix("{")
                }
            }
        }
    }

    private static func startsFunction(_ line: Substring) -> Bool {
        let words = line.split(separator: " ")
        return words.prefix(6).contains { $0 == "func" || $0.hasPrefix("init(") || $0 == "deinit" }
            && !line.drop { $0 == " " }.hasPrefix("case")
    }
}
