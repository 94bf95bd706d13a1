import ArgumentParser
import ControlClient
import Foundation
import Glibc

/// Which agent a command talks to.
struct AgentOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The agent's data folder.",
            discussion: "Default: DSMP_DATA, else /var/lib/dsmp for root and $XDG_STATE_HOME/dsmp for others.",
            valueName: "folder"))
    var data: String?

    /// The absolute path of the data folder.
    var folder: String {
        DefaultFolder.resolve(
            option: self.data, environment: ProcessInfo.processInfo.environment, isRoot: geteuid() == 0,
            currentFolder: FileManager.default.currentDirectoryPath)
    }

    var client: ControlClient { ControlClient(dataFolder: self.folder) }
}

/// How a command prints.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON, also for failures.")
    var json = false
}

/// Where the data folder is when nobody says.
package enum DefaultFolder {
    /// The absolute path.
    package static func resolve(
        option: String?, environment: [String: String], isRoot: Bool, currentFolder: String
    ) -> String {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let chosen = option ?? value("DSMP_DATA") { return Self.absolute(chosen, in: currentFolder) }
        if isRoot { return "/var/lib/dsmp" }
        // The XDG rules ignore a relative path.
        if let state = value("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/dsmp" }
        return (value("HOME") ?? currentFolder) + "/.local/state/dsmp"
    }

    static func absolute(_ path: String, in folder: String) -> String {
        var parts: [Substring] = []
        for part in (path.hasPrefix("/") ? path : folder + "/" + path).split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
