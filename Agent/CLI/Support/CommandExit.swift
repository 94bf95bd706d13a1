import ArgumentParser
import ControlAPI
import Foundation
import Glibc

/// Ends the process as the contract says: status 0 done, 1 failed, 2 wrong usage, 3 not reachable, not found or timed
/// out, 4 refused, 5 no agreement; the reason on standard error, as JSON with `--json`.
package enum CommandExit {
    /// What a command ends with.
    package struct Outcome: Equatable {
        package var status: Int32
        package var output = ""
        package var errors = ""
    }

    /// What an error means.
    ///
    /// - Parameters:
    ///   - error: what the parser or a command threw.
    ///   - json: whether `--json` is among the arguments.
    /// - Returns: the exit status and what to print where.
    package static func outcome(of error: any Error, json: Bool) -> Outcome {
        if let error = error as? ControlError { return Self.failure(error, json: json) }
        if let code = error as? ExitCode { return Outcome(status: code.rawValue) }
        let message = DSMP.fullMessage(for: error)
        if DSMP.exitCode(for: error) == .success { return Outcome(status: 0, output: message + "\n") }
        if DSMP.exitCode(for: error) == .validationFailure {
            guard json else { return Outcome(status: 2, errors: message + "\n") }
            let first = DSMP.message(for: error).split(separator: "\n").first.map(String.init) ?? "wrong usage"
            return Self.failure(ControlError(.usage, first, hint: "see `dsmp --help`"), json: true)
        }
        return Self.failure(ControlError(.internal, "\(error)"), json: json)
    }

    /// Prints the outcome and ends the process.
    static func end(with outcome: Outcome) -> Never {
        FileHandle.standardOutput.write(Data(outcome.output.utf8))
        FileHandle.standardError.write(Data(outcome.errors.utf8))
        exit(outcome.status)
    }

    private static func failure(_ error: ControlError, json: Bool) -> Outcome {
        var text = "dsmp: \(PlainText.clean(error.message))\n"
        if !error.hint.isEmpty { text += "      \(PlainText.clean(error.hint))\n" }
        if json, let data = try? ControlJSON.encode(ControlErrorEnvelope(error: error)) {
            text = String(decoding: data, as: UTF8.self) + "\n"
        }
        return Outcome(status: error.code.exitStatus, errors: text)
    }
}

/// Text from elsewhere, made safe for a terminal.
package enum PlainText {
    /// Replaces control characters, so that a peer's text cannot move the cursor or forge a line.
    package static func clean(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
                    default: scalar
                    }
                }))
    }
}
