import ArgumentParser
import ControlAPI
import Foundation
import Glibc
import Launching
import Libuv
import Policy

struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox", abstract: "Run a program of your own in a worker's jail.", subcommands: [Run.self])

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a program in a jail, with this terminal's streams and its exit status.",
            discussion: """
                dsmp sandbox run -- ls /usr/bin
                dsmp sandbox run --bind "$PWD" -- python3 "$PWD/main.py"
                dsmp sandbox run --bind "$PWD:rw" --profile jit -- node app.js

                Exit status: the program's own; 125 when the jail could not be built, 126 and 127 as env(1), \
                128 and the number of a signal.
                """)

        @OptionGroup var agent: AgentOptions
        @Option(help: "strict, or jit for programs that make code as they run.")
        var profile = SandboxProfile.strict
        @Option(help: ArgumentHelp("A folder to show inside, read-only unless :rw.", valueName: "folder[:rw]"))
        var bind: [String] = []
        @Argument(parsing: .postTerminator, help: "The program and its arguments, after --.")
        var program: [String]

        func validate() throws {
            if self.program.isEmpty { throw ValidationError("say what to run, after --: dsmp sandbox run -- PROGRAM") }
        }

        func run() async throws {
            let protected: ProtectedPaths
            do {
                protected = try ProtectedPaths(own: [self.agent.folder])
            } catch {
                throw ControlError(.usage, error.description)
            }
            var run = SandboxRun(
                program: self.program[0], currentFolder: FileManager.default.currentDirectoryPath, protected: protected)
            run.arguments = Array(self.program.dropFirst())
            run.profile = self.profile
            run.binds = self.bind
            let loop = EventLoop()
            let relay = SignalRelay(on: loop)
            let outcome = await run.run(on: loop) { process in
                // A terminal sends SIGINT to both; a supervisor asks only this process.
                try? await relay.start([SIGTERM, SIGHUP, SIGINT]) { process.signal($0) }
            }
            await relay.stop()
            if let problem = outcome.problem { Printer.note(problem) }
            throw ExitCode(outcome.exitStatus)
        }
    }
}

extension SandboxProfile: ExpressibleByArgument {}
