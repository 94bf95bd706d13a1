import Policy
import TestKit
import Testing

@Suite("YAML from strangers") struct BoundedYAMLTests {
    @Test("is refused beyond its length") func length() throws {
        let most = "a: " + String(repeating: "x", count: BoundedYAML.maximumByteCount - 3)
        #expect(try BoundedYAML.compose(most, file: "f") != nil)
        #expect(throws: PolicyTextError.self) { try BoundedYAML.compose(most + "x", file: "f") }
    }

    @Test(
        "is refused beyond its depth, in every notation",
        arguments: [
            (String(repeating: "[", count: 17) + String(repeating: "]", count: 17)),
            String(repeating: "{a: ", count: 17) + "1" + String(repeating: "}", count: 17),
            String(repeating: "- ", count: 33) + "x",
            String(repeating: "? ", count: 33) + "x",
            String(repeating: " ", count: 65) + "x: 1",
            String(repeating: "- ", count: 30_000) + "x",
            String(repeating: "[", count: 60_000),
        ])
    func depth(text: String) {
        let error = #expect(throws: PolicyTextError.self) { try BoundedYAML.compose(text, file: "f") }
        #expect(error?.problem.contains("too deep") == true)
    }

    @Test("is read up to its depth") func allowedDepth() throws {
        let flow =
            String(repeating: "[", count: BoundedYAML.maximumFlowDepth)
            + String(repeating: "]", count: BoundedYAML.maximumFlowDepth)
        #expect(try BoundedYAML.compose(flow, file: "f") != nil)
        #expect(try BoundedYAML.compose(String(repeating: "- ", count: 32) + "x", file: "f") != nil)
    }

    @Test("costs no more than its bytes when aliases multiply") func aliases() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...40 {
            text +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ") + "]\n"
        }
        #expect(throws: PolicyTextError.self) { try SandboxRequest(parsing: text, file: "f") }
        #expect(throws: PolicyTextError.self) { try OperatorPolicy(parsing: "version: 1\n" + text, file: "f") }
    }

    @Test("is read or refused, never worse, whatever it is") func hostile() {
        let pieces = [
            "limits", "sandbox", "bind", "process", ".", ":", " ", "\n", "  ", "- ", "[", "]", "{", "}", ",", "/", "..",
            "&a",
            "*a", "!!int", "|", ">", "'", "\"", "\\", "#", "%", "\t", "\u{0}", "\u{FEFF}", "é", "1G", "50%", "0-3",
            "---", "...",
        ]
        for seed in 0..<UInt64(3_000) {
            var random = SplitMix64(seed: seed)
            let text = (0..<Int.random(in: 1...40, using: &random)).map { _ in
                pieces[Int.random(in: pieces.indices, using: &random)]
            }.joined()
            do {
                _ = try SandboxRequest(parsing: text, file: "f")
            } catch {
                #expect(error.file == "f" && !error.problem.isEmpty, "replay with seed \(seed)")
            }
        }
    }
}
