import Testing

/// A pure module is a value type's home: no clock, no randomness, no I/O (Specs/architecture.md, "Pure core, thin shell").
@Suite("Purity") struct PurityTests {
    static let pure: Set<String> = [
        "Protocol/Wire", "Protocol/Identity", "Protocol/Libp2p", "Protocol/Kademlia", "Protocol/Mesh",
        "Protocol/Market",
        "Sandbox/Policy", "Plugins/WorkerChannel",
    ]

    /// Text that a pure module must not hold, and what to do instead.
    static let banned: [(text: String, instead: String)] = [
        ("import Glibc", "move the system call to a shell (Overlay, Launching, Hosting, Agent)"),
        ("import Foundation", "use the standard library, or move the code to Agent"),
        ("import Dispatch", "the shell owns threads"),
        ("import Synchronization", "a machine is a value: its owner serialises access"),
        ("ContinuousClock", "pass the time in as nowMilliseconds"),
        ("SuspendingClock", "pass the time in as nowMilliseconds"),
        ("Task.sleep", "return the next deadline as an effect"),
        ("Task {", "return an effect; the shell runs tasks"),
        ("SystemRandomNumberGenerator", "pass random bytes or a generator in"),
        ("SecureRandom", "pass random bytes in"),
        (".random(in:", "pass a generator in and use `random(in:using:)`"),
        ("print(", "return an effect; the shell logs"),
    ]

    /// Generated messages keep bytes in Foundation's `Data`, and this one file hides it from the code that uses them.
    static let foundationExceptions: Set<String> = ["Protocol/Wire/Bytes+Data.swift"]

    @Test("holds in every pure module") func pureModulesStayPure() {
        for file in SourceTree.files where Self.pure.contains(file.module) && !file.isGenerated && file.isSwift {
            if Self.foundationExceptions.contains(file.path) { continue }
            for (number, line) in file.code {
                for rule in Self.banned where line.contains(rule.text) {
                    let seeded = rule.text == ".random(in:" && line.contains("using:")
                    #expect(seeded, "\(file.path):\(number) has `\(rule.text)`: \(rule.instead)")
                }
            }
        }
    }

    @Test("keeps Foundation out of Protocol, Sandbox and Plugins") func foundationStaysInTheAgent() {
        for file in SourceTree.files where !file.path.hasPrefix("Agent/") && !file.isTest && !file.isGenerated {
            if Self.foundationExceptions.contains(file.path) { continue }
            for (line, module) in file.imports where module.hasPrefix("Foundation") {
                Issue.record("\(file.path):\(line) imports \(module); use the standard library and Glibc here")
            }
        }
    }
}
