import Testing

/// Calls that have a better replacement here.
@Suite("Banned calls") struct BannedCallTests {
    /// Everywhere but in generated code.
    static let everywhere: [(text: String, instead: String)] = [
        ("try!", "throw, or use `do`/`catch` and say what happened"),
        ("as!", "use `as?` and say what was found instead"),
        ("fatalError(", "use `preconditionFailure` with a reason for our own broken invariants"),
        ("TO" + "DO", "do it now or write it down as a limitation in Specs/"),
        ("FIX" + "ME", "do it now or write it down as a limitation in Specs/"),
        ("@testable", "give the declaration `package` access"),
    ]

    /// In tests: wait for the event instead.
    static let inTests: [(text: String, instead: String)] = [
        ("Task." + "sleep", "await the event"),
        ("us" + "leep(", "await the event"),
        ("Thread." + "sleep", "await the event"),
        ("XCT" + "Skip", "a missing tool or peer fails the test"),
        (".dis" + "abled(", "repair the test or remove it"),
        ("withKnown" + "Issue", "repair the code"),
    ]

    @Test("are not used") func bannedEverywhere() {
        for file in SourceTree.files where !file.isGenerated && file.isSwift && !Self.isRuleBook(file) {
            self.check(file, Self.everywhere)
            if file.isTest { self.check(file, Self.inTests) }
        }
    }

    @Test("of unchecked sendability give their reason") func uncheckedSendableIsExplained() {
        for file in SourceTree.files where file.isSwift && !Self.isRuleBook(file) {
            for (number, line) in file.code where line.contains("@unchecked Sendable") {
                let above = file.lines[max(0, number - 6)..<number]
                #expect(
                    above.contains { $0.contains("Safety:") },
                    "\(file.path):\(number): use an actor or a lock, or say above it in a `Safety:` comment why it holds"
                )
            }
        }
    }

    private func check(_ file: SourceFile, _ rules: [(text: String, instead: String)]) {
        for (number, line) in file.code {
            for rule in rules where line.contains(rule.text) {
                Issue.record("\(file.path):\(number) has `\(rule.text)`: \(rule.instead)")
            }
        }
    }

    private static func isRuleBook(_ file: SourceFile) -> Bool { file.module == "Tests/ArchitectureTests" }
}
