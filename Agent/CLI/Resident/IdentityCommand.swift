import ArgumentParser
import ControlAPI
import Cryptography
import Foundation
import Glibc
import Identity
import Overlay
import Storage

struct IdentityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "id", abstract: "The key that this agent is known by.", subcommands: [New.self, Show.self])

    struct Report: Encodable {
        var peerID: String
        var file: String
    }

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the key; `dsmp agent run` does so at its first start.",
            discussion: """
                dsmp id new

                A key that is there is never replaced: whoever loses it loses the name of every worker published with it.
                """)

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            do {
                let folder = try DataFolder.open(self.agent.folder)
                let path = folder.file(KeyFile.name)
                let pair = try KeyPair(seed: SecureRandom.bytes(32))
                try KeyFile.create(path, pair)
                try Printer.print(Report(peerID: pair.peerID.description, file: path), json: self.output.json) {
                    "\(pair.peerID)\nkept in \(path); make a copy of it in a safe place"
                }
            } catch let error as ControlError {
                throw error
            } catch let error as KeyFileError {
                throw IdentityCommand.control(error)
            } catch {
                throw ControlError(.failed, "\(error)")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the peer id.", discussion: "dsmp id show")

        @OptionGroup var agent: AgentOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = self.agent.folder + "/" + KeyFile.name
            let pair: KeyPair
            do throws(KeyFileError) {
                pair = try KeyFile.read(path)
            } catch {
                throw IdentityCommand.control(error)
            }
            try Printer.print(Report(peerID: pair.peerID.description, file: path), json: self.output.json) {
                pair.peerID.description
            }
        }
    }

    private static func control(_ error: KeyFileError) -> ControlError {
        let code: ControlErrorCode =
            switch error {
            case .missing: .notFound
            case .alreadyExists: .conflict
            case .openToOthers, .foreignOwner: .refused
            case .notAFile, .malformed: .invalid
            case .system: .failed
            }
        return ControlError(code, error.description)
    }
}
