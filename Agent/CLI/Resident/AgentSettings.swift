package import ControlAPI
package import Logging
package import Server
package import Wire

/// How an agent is to run: the flags, then `agent.yaml`, then what is usual.
package struct AgentSettings {
    /// Where an agent listens when nobody says.
    package static let usualListen = ["/ip4/0.0.0.0/tcp/4101"]

    package let listen: [Multiaddr]
    package let bootstrap: [Multiaddr]
    package let api: APIAddress?
    package let policy: String?
    package let logLevel: Logger.Level

    /// - Parameters:
    ///   - flags: what the command line says; an empty list or nil says nothing.
    ///   - file: what `agent.yaml` says.
    /// - Throws: `usage`, naming the value that is wrong.
    package init(flags: AgentFile, file: AgentFile) throws(ControlError) {
        func chosen(_ path: KeyPath<AgentFile, [String]>) -> [String] {
            flags[keyPath: path].isEmpty ? file[keyPath: path] : flags[keyPath: path]
        }
        let listen = chosen(\.listen)
        self.listen = try Self.addresses(listen.isEmpty ? Self.usualListen : listen, "--listen", needsPeer: false)
        self.bootstrap = try Self.addresses(chosen(\.bootstrap), "--bootstrap", needsPeer: true)
        if let api = flags.api ?? file.api { self.api = try APIAddress(api) } else { self.api = nil }
        self.policy = flags.policy ?? file.policy
        let level = flags.logLevel ?? file.logLevel ?? "info"
        guard let level = Logger.Level(rawValue: level) else {
            throw ControlError(.usage, "`\(level)` is no log level", hint: "use debug, info, warning or error")
        }
        self.logLevel = level
    }

    private static func addresses(
        _ texts: [String], _ flag: String, needsPeer: Bool
    ) throws(ControlError) -> [Multiaddr] {
        var addresses: [Multiaddr] = []
        for text in texts {
            let address: Multiaddr
            do throws(WireError) {
                address = try Multiaddr(text)
            } catch {
                throw ControlError(.usage, "\(flag) \(text): \(error)", hint: "for example \(Self.example(needsPeer))")
            }
            guard !needsPeer || address.peerIDBytes != nil else {
                throw ControlError(
                    .usage, "\(flag) \(text) does not end with a peer id", hint: "for example \(Self.example(true))")
            }
            addresses.append(address)
        }
        return addresses
    }

    private static func example(_ needsPeer: Bool) -> String {
        needsPeer
            ? "/ip4/192.0.2.7/tcp/4101/p2p/12D3KooWBpNePxGJkoA1mRT5dUY9AJFGzJGVYKzDmTeZfZjCJWSx"
            : "/ip4/0.0.0.0/tcp/4101"
    }
}
