import Foundation
import Testing

/// The rules of Specs/architecture.md about who may import whom.
@Suite("The arrows between modules") struct ArrowTests {
    /// What each module may import of ours. A module that is missing here fails the test: decide its arrows first.
    static let allowed: [String: Set<String>] = [
        "Protocol/Wire": [],
        "Protocol/Cryptography": ["COpenSSL"],
        "Protocol/Identity": ["Wire", "Cryptography"],
        "Protocol/Libp2p": ["Wire", "Cryptography", "Identity"],
        "Protocol/Kademlia": ["Wire", "Cryptography", "Identity"],
        "Protocol/Mesh": ["Wire", "Cryptography", "Identity"],
        "Protocol/Market": ["Wire", "Cryptography", "Identity"],
        "Protocol/Libuv": ["CLibuv"],
        "Protocol/Overlay": ["Wire", "Cryptography", "Identity", "Libp2p", "Kademlia", "Libuv"],
        "Sandbox/Policy": [],
        "Sandbox/Launching": ["Policy", "Libuv", "CLibuv", "CSeccomp"],
        "Plugins/WorkerChannel": [],
        "Plugins/WorkerKit": ["WorkerChannel"],
        "Plugins/Hosting": [
            "WorkerABI", "WorkerChannel", "WorkerTemplates", "Launching", "Policy", "Libuv", "Mesh", "Identity", "Wire",
            "Cryptography",
        ],
        "Plugins/Workers/query": ["WorkerKit"],
        "Agent/Storage": ["Wire", "Identity", "Kademlia", "Mesh", "Market", "Overlay"],
        "Agent/ControlAPI": ["Wire", "Identity", "Mesh"],
        "Agent/Core": [
            "Wire", "Cryptography", "Identity", "Libp2p", "Kademlia", "Mesh", "Market", "Libuv", "Overlay", "Policy",
            "Launching", "Hosting", "Storage", "ControlAPI",
        ],
        "Agent/ControlClient": ["ControlAPI", "Mesh"],
        "Agent/Server": ["ControlAPI", "Mesh"],
        "Agent/CLI": [
            "CCommandSupport", "ControlAPI", "ControlClient", "Core", "Server", "Storage", "Cryptography", "Identity",
            "Wire",
            "Hosting", "Policy", "Launching", "Overlay", "Libuv",
        ],
        "Agent/Executable": ["Commands"],
    ]

    /// Every module of ours, so that a library's name is not taken for one.
    static let ours: Set<String> = {
        var names = Set(allowed.keys.map { String($0.split(separator: "/").last ?? "") })
        return names.union([
            "Commands", "CCommandSupport", "WorkerABI", "WorkerTemplates", "CLibuv", "COpenSSL", "CSeccomp", "TestKit",
        ])
    }()

    /// Libraries that only one module may import, and what the others do instead.
    static let guarded: [String: (modules: Set<String>, instead: String)] = [
        "GRDB": (["Agent/Storage"], "declare what you must keep as a protocol; Agent/Storage implements it"),
        "HummingbirdCore": (["Agent/Server"], "add an endpoint in Agent/Server and call AgentControl"),
        "COpenSSL": (["Protocol/Cryptography"], "use the types of Cryptography"),
        "CLibuv": (["Protocol/Libuv", "Sandbox/Launching"], "use the types of Libuv"),
        "CSeccomp": (["Sandbox/Launching"], "compile filters in Sandbox/Launching"),
    ]

    @Test("point only to the left") func importsFollowTheTable() {
        for file in SourceTree.files where file.isSwift && !file.isTest {
            guard let allowed = Self.allowed[file.module] else {
                Issue.record("\(file.path): module \(file.module) has no row in ArrowTests.allowed; decide its arrows")
                continue
            }
            for (line, module) in file.imports where Self.ours.contains(module) {
                #expect(
                    allowed.contains(module),
                    "\(file.path):\(line) imports \(module). See Specs/architecture.md; put what both need further left"
                )
            }
        }
    }

    @Test("keep each library behind one module") func librariesHaveOneOwner() {
        for file in SourceTree.files where file.isSwift && !file.isTest {
            for (line, module) in file.imports {
                guard let rule = Self.guarded[module] else { continue }
                #expect(rule.modules.contains(file.module), "\(file.path):\(line) imports \(module): \(rule.instead)")
            }
        }
    }

    @Test("let no C type into an interface") func cModulesAreImportedInternally() {
        let wrapped: Set<String> = ["CLibuv", "COpenSSL", "CSeccomp", "WorkerABI", "WorkerTemplates"]
        for file in SourceTree.files where file.isSwift {
            for (number, module) in file.imports where wrapped.contains(module) {
                let line = file.lines[number - 1]
                #expect(
                    !line.hasPrefix("package ") && !line.hasPrefix("public "),
                    "\(file.path):\(number) lets C types into an interface; use `internal import` and wrap them")
            }
        }
    }

    @Test("keep the client verbs free of Core") func clientVerbsSpeakHTTP() {
        for file in SourceTree.files where file.path.hasPrefix("Agent/CLI/") && !file.path.contains("/Resident/") {
            for (line, module) in file.imports where ["Core", "Server", "Storage", "Overlay"].contains(module) {
                Issue.record(
                    "\(file.path):\(line) imports \(module). Only Agent/CLI/Resident/ may; verbs use the control API")
            }
        }
    }

    @Test("rest on a tree that was really read") func treeIsNotEmpty() {
        #expect(SourceTree.files.count > 40, "the source tree was not found at \(SourceTree.root.path)")
    }
}
