import ArgumentParser
import Commands
import ControlAPI
import Testing

@Suite("A command ends") struct ExitTests {
    /// What running a command line would end with, as far as the parser decides.
    private static func outcome(_ line: String, json: Bool = false) -> CommandExit.Outcome? {
        do {
            var command = try DSMP.parseAsRoot(line.split(separator: " ").map(String.init))
            // Only help and groups run here; everything else would talk to an agent.
            guard !(command is any AsyncParsableCommand) else { return nil }
            try command.run()
            return nil
        } catch {
            return CommandExit.outcome(of: error, json: json)
        }
    }

    @Test("with the status of the contract", arguments: ControlErrorCode.allCases) func statuses(code: ControlErrorCode)
    {
        let expected: [ControlErrorCode: Int32] = [
            .usage: 2, .notFound: 3, .unreachable: 3, .timeout: 3, .refused: 4, .unauthenticated: 4,
        ]
        let outcome = CommandExit.outcome(of: ControlError(code, "it broke", hint: "mend it"), json: false)
        #expect(outcome.status == expected[code] ?? 1)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors == "dsmp: it broke\n      mend it\n")
    }

    @Test("with a JSON object on standard error when it was asked for") func json() {
        let outcome = CommandExit.outcome(of: ControlError(.timeout, "it \"broke\"", hint: "wait"), json: true)
        #expect(outcome.errors == #"{"error":{"code":"timeout","hint":"wait","message":"it \"broke\""}}"# + "\n")
        let usage = Self.outcome("call", json: true)
        #expect(usage?.status == 2)
        #expect(usage?.errors.hasPrefix(#"{"error":{"code":"usage""#) == true)
    }

    @Test(
        "with 2 for wrong usage",
        arguments: [
            "bogus", "status --wait", "status --wait -1", "status --wait soon", "call", "call w",
            "call w m --deadline 0",
            "call w m --stream", "call w m --idempotency-key \u{e9}", "find a b", "find --limit 0",
            "worker new UPPER", "worker new hello --kind cobol", "worker grant w",
            "worker grant w --host a --consumer b",
            "worker publish a --private --public", "worker logs w --lines 0", "worker logs w --follow --json",
            "net ping", "net ping p --count 0", "dht get", "devnet up -n 0", "devnet up -n 65",
            "devnet up -n 2 --fault 2=crash",
            "devnet up --fault 0=fire", "sandbox run", "sandbox run --profile loose -- ls", "top", "worker upgrade w",
        ])
    func wrongUsage(line: String) {
        let outcome = Self.outcome(line)
        #expect(outcome?.status == 2, "\(line): \(String(describing: outcome))")
        #expect(outcome?.errors.isEmpty == false)
        #expect(outcome?.output.isEmpty == true)
    }

    @Test(
        "with 0 and the text on standard output for help",
        arguments: ["--help", "call --help", "help worker grant", "--version"])
    func help(line: String) {
        let outcome = Self.outcome(line)
        #expect(outcome?.status == 0)
        #expect(outcome?.output.isEmpty == false)
        #expect(outcome?.errors.isEmpty == true)
    }

    @Test("without letting foreign text drive the terminal") func plainText() {
        let outcome = CommandExit.outcome(of: ControlError(.failed, "a\u{1b}[2Jb\nc\u{202e}d"), json: false)
        #expect(outcome.errors == "dsmp: a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d\n")
    }

    @Test("after teaching by example: each has one") func examples() {
        func check(_ type: any ParsableCommand.Type, _ path: String) {
            let configuration = type.configuration
            #expect(!configuration.abstract.isEmpty, "\(path)")
            for child in configuration.subcommands {
                check(child, "\(path) \(child.configuration.commandName ?? "\(child)")")
            }
            let isGroup = !configuration.subcommands.isEmpty
            #expect(isGroup || configuration.discussion.contains("dsmp "), "\(path) has no example")
        }
        check(DSMP.self, "dsmp")
    }
}
