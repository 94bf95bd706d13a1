import ArgumentParser
import Glibc

/// The executable `dsmp`.
package enum CommandLineTool {
    /// Runs the command that the process was started with, and ends the process.
    package static func main() async -> Never {
        // A reader that goes away is an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            var command = try DSMP.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let json = arguments.prefix { $0 != "--" }.contains("--json")
            CommandExit.end(with: CommandExit.outcome(of: error, json: json))
        }
        exit(0)
    }
}
