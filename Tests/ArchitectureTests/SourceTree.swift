import Foundation

/// One source file of the project, by its path from the root.
struct SourceFile: Sendable {
    let path: String
    let lines: [Substring]

    var isSwift: Bool { self.path.hasSuffix(".swift") }
    var isGenerated: Bool { self.path.hasSuffix(".pb.swift") }
    var isTest: Bool { self.path.hasPrefix("Tests/") }

    /// The folder that is a module: the first two parts of the path, or three below `Plugins/Workers`.
    var module: String {
        let parts = self.path.split(separator: "/")
        let depth = self.path.hasPrefix("Plugins/Workers/") ? 3 : 2
        return parts.prefix(depth).joined(separator: "/")
    }

    /// The modules that this file imports, each with its line number from 1.
    var imports: [(line: Int, module: String)] {
        self.lines.enumerated().compactMap { index, line in
            let words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
            guard let keyword = words.firstIndex(of: "import"), keyword <= 1, keyword + 1 < words.count else {
                return nil
            }
            return (index + 1, String(words[words.count - 1].split(separator: ".")[0]))
        }
    }

    /// The lines without comments and blank ones, each with its line number from 1.
    var code: [(line: Int, text: Substring)] {
        self.lines.enumerated().compactMap { index, line in
            let text = line.drop { $0 == " " }
            return text.isEmpty || text.hasPrefix("//") ? nil : (index + 1, line)
        }
    }
}

/// The tree that the tests look at: every source file below the root of the package.
enum SourceTree {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let files: [SourceFile] = {
        let folders = ["Protocol", "Sandbox", "Plugins", "Agent", "Tests"]
        let endings = [".swift", ".c", ".h", ".py"]
        var files: [SourceFile] = []
        for folder in folders {
            let enumerator = FileManager.default.enumerator(atPath: SourceTree.root.appendingPathComponent(folder).path)
            while let name = enumerator?.nextObject() as? String {
                let path = folder + "/" + name
                guard endings.contains(where: path.hasSuffix),
                    let text = try? String(contentsOf: SourceTree.root.appendingPathComponent(path), encoding: .utf8)
                else { continue }
                files.append(
                    SourceFile(path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false)))
            }
        }
        return files.sorted { $0.path < $1.path }
    }()
}
