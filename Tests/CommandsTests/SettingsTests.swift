import Commands
import ControlAPI
import Logging
import Server
import Testing
import Wire

@Suite("Settings") struct SettingsTests {
    @Test(
        "find the data folder",
        arguments: [
            ("/x/../y", [:], true, "/y"), ("rel", [:], true, "/here/rel"), (nil, ["DSMP_DATA": "/d"], true, "/d"),
            ("/x", ["DSMP_DATA": "/d"], true, "/x"), (nil, ["DSMP_DATA": ""], true, "/var/lib/dsmp"),
            (nil, [:], true, "/var/lib/dsmp"), (nil, ["XDG_STATE_HOME": "/s"], false, "/s/dsmp"),
            (nil, ["XDG_STATE_HOME": "s", "HOME": "/h"], false, "/h/.local/state/dsmp"),
            (nil, ["HOME": "/h"], false, "/h/.local/state/dsmp"),
        ] as [(String?, [String: String], Bool, String)])
    func folder(option: String?, environment: [String: String], isRoot: Bool, expected: String) {
        #expect(
            DefaultFolder.resolve(
                option: option, environment: environment, isRoot: isRoot, currentFolder: "/here") == expected)
    }

    private static let peer = "/ip4/192.0.2.7/tcp/4101/p2p/12D3KooWBpNePxGJkoA1mRT5dUY9AJFGzJGVYKzDmTeZfZjCJWSx"

    @Test("come from flags, then the file, then what is usual") func precedence() throws {
        let file = try AgentFile(
            parsing: """
                listen: [/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/2]
                bootstrap: \(Self.peer)
                api: 127.0.0.1:8080
                policy: /etc/dsmp/policy.yaml
                log-level: debug
                """, file: "agent.yaml")
        let fromFile = try AgentSettings(flags: AgentFile(), file: file)
        #expect(fromFile.listen.map(\.description) == ["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2"])
        #expect(fromFile.bootstrap.map(\.description) == [Self.peer])
        #expect(fromFile.api?.description == "127.0.0.1:8080")
        #expect(fromFile.policy == "/etc/dsmp/policy.yaml")
        #expect(fromFile.logLevel == .debug)
        var flags = AgentFile()
        flags.listen = ["/ip6/::1/tcp/3"]
        flags.api = "localhost:0"
        flags.logLevel = "error"
        let both = try AgentSettings(flags: flags, file: file)
        #expect(both.listen.map(\.description) == ["/ip6/::1/tcp/3"])
        #expect(both.api?.description == "localhost:0")
        #expect(both.logLevel == .error)
        let neither = try AgentSettings(flags: AgentFile(), file: AgentFile())
        #expect(neither.listen.map(\.description) == AgentSettings.usualListen)
        #expect(neither.api == nil)
    }

    @Test(
        "in a file are refused with the place and the reason",
        arguments: [
            ("listn: x", "line 1: the key `listn` is not known"), ("\napi: [a]", "line 2: the value must be a text"),
            ("listen: {a: b}", "must be a list"), ("listen: [[a]]", "must be a text"), ("- a", "not a mapping"),
            ("a: [", "is no YAML"),
        ])
    func brokenFile(text: String, expected: String) {
        let error = #expect(throws: ControlError.self) { try AgentFile(parsing: text, file: "agent.yaml") }
        #expect(error?.code == .invalid)
        #expect(error?.message.contains(expected) == true, "\(String(describing: error))")
        #expect(error?.message.hasPrefix("agent.yaml") == true)
    }

    @Test("may be an empty file") func emptyFile() throws {
        #expect(try AgentFile(parsing: "# nothing\n", file: "agent.yaml") == AgentFile())
        #expect(throws: ControlError.self) { try AgentFile(path: "/does/not/exist.yaml") }
    }

    @Test("on the command line are refused with an example") func brokenFlags() {
        for change: (inout AgentFile) -> Void in [
            { $0.listen = ["4101"] }, { $0.bootstrap = ["/ip4/192.0.2.7/tcp/4101"] }, { $0.bootstrap = ["x"] },
            { $0.api = "8080" }, { $0.logLevel = "loud" },
        ] {
            var flags = AgentFile()
            change(&flags)
            let error = #expect(throws: ControlError.self) { try AgentSettings(flags: flags, file: AgentFile()) }
            #expect(error?.code == .usage)
            #expect(error?.hint.isEmpty == false)
        }
    }
}
