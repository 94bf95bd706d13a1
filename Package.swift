// swift-tools-version: 6.2
import PackageDescription

// One target a module, each with an explicit path. The arrows are in Specs/architecture.md and enforced by
// Tests/Architecture: Protocol <- Sandbox <- Plugins <- Agent <- Tests.
//
// `DSMP_ONLY=Libp2pTests,KademliaTests swift test` narrows the package to the named targets and what they need, for a
// quick build of the part being worked on and for the sanitizer and fuzz products (CONTRIBUTING.md).

let house: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]
let wrapsC: [SwiftSetting] = house + [.strictMemorySafety()]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

/// Links a C program statically and without Swift's runtime, which a C program does not call: `-nostartfiles` takes away
/// the object that would pull it in. (The compiler driver still adds C's own start files.)
let plainC = ["-static-executable", "-nostartfiles"]

/// A module written in Swift alone.
func module(
    _ name: String, _ path: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
    .target(name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: house)
}

/// A module that wraps C, with strict memory safety.
func wrapper(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: wrapsC)
}

/// A worker as a program in Swift. It carries the Swift runtime in itself, since a jail shows no toolchain.
func worker(_ name: String, _ path: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .executableTarget(
        name: name, dependencies: ["WorkerKit"] + dependencies, path: path, exclude: exclude, swiftSettings: wrapsC,
        linkerSettings: [.unsafeFlags(["-static-stdlib"])])
}

func suite(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestKit"], path: "Tests/\(name)", exclude: exclude,
        swiftSettings: house)
}

let protocolTargets: [Target] = [
    .systemLibrary(name: "CLibuv", path: "Protocol/CLibuv", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
    .systemLibrary(
        name: "COpenSSL", path: "Protocol/COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    module("Wire", "Protocol/Wire", [protobuf], exclude: ["Messages", "Generated/manifest.sha256"]),
    wrapper("Cryptography", "Protocol/Cryptography", ["COpenSSL"]),
    module("Identity", "Protocol/Identity", ["Wire", "Cryptography", protobuf]),
    module("Libp2p", "Protocol/Libp2p", ["Wire", "Cryptography", "Identity", collections, protobuf]),
    module("Kademlia", "Protocol/Kademlia", ["Wire", "Cryptography", "Identity", collections, protobuf]),
    module("Mesh", "Protocol/Mesh", ["Wire", "Cryptography", "Identity", protobuf]),
    module("Market", "Protocol/Market", ["Wire", "Cryptography", "Identity", protobuf]),
    wrapper("Libuv", "Protocol/Libuv", ["CLibuv", collections]),
    module(
        "Overlay", "Protocol/Overlay", ["Wire", "Cryptography", "Identity", "Libp2p", "Kademlia", "Libuv", logging]),
]

let sandboxTargets: [Target] = [
    .systemLibrary(
        name: "CSeccomp", path: "Sandbox/CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
    module("Policy", "Sandbox/Policy", [yams]),
    .executableTarget(
        name: "dsmp-jail", path: "Sandbox/Jail", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
        linkerSettings: [.unsafeFlags(plainC)]),
    wrapper("Launching", "Sandbox/Launching", ["Policy", "Libuv", "CLibuv", "CSeccomp", logging]),
]

let pluginTargets: [Target] = [
    .target(name: "WorkerABI", path: "Plugins/WorkerABI"),
    module("WorkerChannel", "Plugins/WorkerChannel"),
    wrapper("WorkerKit", "Plugins/WorkerKit", ["WorkerChannel"]),
    .target(
        name: "WorkerTemplates", path: "Plugins/Templates", exclude: ["python", "c", "swift", "exec"],
        cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    wrapper(
        "Hosting", "Plugins/Hosting",
        [
            "WorkerABI", "WorkerChannel", "WorkerTemplates", "Launching", "Policy", "Libuv", "Mesh", "Identity", "Wire",
            "Cryptography",
            collections, logging, yams,
        ]),
    .systemLibrary(
        name: "CSQLite", path: "Plugins/Workers/CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    worker("query-worker", "Plugins/Workers/query", ["CSQLite"], exclude: ["worker.yaml"]),
]

let agentTargets: [Target] = [
    module("Storage", "Agent/Storage", ["Wire", "Identity", "Kademlia", "Overlay", grdb]),
    module("ControlAPI", "Agent/ControlAPI", ["Mesh"], exclude: ["openapi.json"]),
    wrapper("ControlClient", "Agent/ControlClient", ["ControlAPI", nioCore, nioPosix, nioHTTP]),
    module(
        "Core", "Agent/Core",
        [
            "Wire", "Cryptography", "Identity", "Mesh", "Market", "Libp2p", "Kademlia", "Libuv", "Overlay", "Policy",
            "Hosting",
            "Storage", "ControlAPI", logging, yams,
        ]),
    wrapper(
        "Server", "Agent/Server", ["ControlAPI", "Mesh", httpTypes, hummingbird, logging, nioCore, nioPosix]),
    .target(
        name: "CCommandSupport", path: "Agent/Support",
        cSettings: [.unsafeFlags(["-std=c23", "-Wall", "-Wextra", "-Werror"])]),
    module(
        "Commands", "Agent/CLI",
        [
            "CCommandSupport", "ControlAPI", "ControlClient", "Core", "Server", "Storage", "Hosting", "Launching",
            "Policy",
            "Overlay", "Libuv", "Identity", "Wire", "Cryptography", argumentParser, logging, yams,
        ]),
    .executableTarget(name: "dsmp", dependencies: ["Commands"], path: "Agent/Executable", swiftSettings: house),
]

let testTargets: [Target] = [
    module("TestKit", "Tests/TestKit"),
    worker("conformance-worker", "Tests/ConformanceWorkers/swift", []),
    .executableTarget(
        name: "sandbox-probe", dependencies: ["Launching", "Policy", "Libuv"], path: "Tests/SandboxProbe",
        swiftSettings: wrapsC),
    .executableTarget(
        name: "swift-worker", path: "Tests/SwiftWorker", swiftSettings: house,
        linkerSettings: [.unsafeFlags(["-static-stdlib"])]),
    .executableTarget(
        name: "hostile-worker", path: "Tests/Escape", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
        linkerSettings: [.unsafeFlags(plainC)]),
    suite("ArchitectureTests", []),
    suite("WireTests", ["Wire", "Cryptography"]),
    suite("CryptographyTests", ["Cryptography"]),
    suite("IdentityTests", ["Identity", "Wire", "Cryptography"]),
    suite("Libp2pTests", ["Libp2p", "Identity", "Wire", "Cryptography"]),
    suite("KademliaTests", ["Kademlia", "Identity", "Wire", "Cryptography"]),
    suite("MeshTests", ["Mesh", "Market", "Identity", "Wire", "Cryptography"]),
    suite("LibuvTests", ["Libuv"]),
    suite("OverlayTests", ["Overlay", "Libp2p", "Kademlia", "Libuv", "Identity", "Wire", "Cryptography"]),
    suite(
        "InteropTests", ["Overlay", "Libp2p", "Kademlia", "Libuv", "Identity", "Wire", "Cryptography"],
        exclude: ["peers"]),
    suite("PolicyTests", ["Policy"]),
    suite("LaunchingTests", ["Launching", "Policy", "Libuv", "CSeccomp"]),
    suite(
        "HostingTests",
        [
            "Hosting", "WorkerChannel", "Launching", "Policy", "Mesh", "Libuv", "Identity", "Wire", "Cryptography",
        ]),
    suite("StorageTests", ["Storage", "Kademlia", "Overlay", "Identity", "Wire", grdb]),
    .executableTarget(
        name: "storage-crash-child", dependencies: ["Storage", "Identity"], path: "Tests/StorageCrashChild",
        swiftSettings: house),
    suite("CoreTests", ["Core", "Storage", "Hosting", "Overlay", "Mesh", "Market", "Libuv", "Identity", "Wire"]),
    suite("ServerTests", ["Server", "ControlAPI", "ControlClient", "Mesh", logging, nioCore, nioPosix]),
    suite("CommandsTests", ["Commands", "ControlAPI", "Hosting", "Wire", "Server", argumentParser, logging]),
    suite("EndToEndTests", ["ControlAPI", "ControlClient", "Identity", "Wire"]),
    .executableTarget(
        name: "dsmp-bench",
        dependencies: [
            "TestKit", "Overlay", "Libp2p", "Kademlia", "Libuv", "Launching", "Policy", "Hosting", "Mesh", "Identity",
            "Wire", "Cryptography",
        ],
        path: "Tests/Benchmarks", swiftSettings: house),
]

/// Executables that a target starts as processes. They are no dependencies, because SwiftPM would link the code and the
/// linker flags of an executable into the one bundle of all tests; a whole build makes them anyway.
let startedBy: [String: [String]] = [
    "LaunchingTests": ["dsmp-jail", "hostile-worker", "sandbox-probe", "swift-worker"],
    "HostingTests": ["dsmp-jail", "query-worker", "conformance-worker"],
    "StorageTests": ["storage-crash-child"],
    "CoreTests": ["dsmp-jail", "query-worker"],
    "EndToEndTests": ["dsmp", "dsmp-jail", "query-worker"],
    "dsmp": ["dsmp-jail"],
    "dsmp-bench": ["dsmp-jail", "conformance-worker"],
    "sandbox-probe": ["dsmp-jail"],
]

// libFuzzer brings its own `main`, which breaks a build without the sanitizer: Tests/Support/run-fuzzers asks for it.
let fuzzTargets: [Target] =
    Context.environment["DSMP_FUZZ"] == nil
    ? []
    : [
        .executableTarget(
            name: "dsmp-fuzz",
            dependencies: ["Libp2p", "Kademlia", "Mesh", "Market", "Identity", "Wire", "Cryptography"],
            path: "Tests/Fuzz", exclude: ["Corpus"], swiftSettings: house)
    ]

var targets = protocolTargets + sandboxTargets + pluginTargets + agentTargets + testTargets + fuzzTargets
var dependencies: [Package.Dependency] = [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
]
var products: [Product] = [
    .executable(name: "dsmp", targets: ["dsmp"]),
    .executable(name: "dsmp-jail", targets: ["dsmp-jail"]),
    .library(name: "WorkerKit", targets: ["WorkerKit"]),
]

/// The names of the local targets, and of the packages, that a target needs directly.
func needs(of target: Target) -> (targets: Set<String>, packages: Set<String>) {
    var targets: Set<String> = []
    var packages: Set<String> = []
    for dependency in target.dependencies {
        switch dependency {
        case .targetItem(let name, _), .byNameItem(let name, _): targets.insert(name)
        case .productItem(_, let package?, _, _): packages.insert(package)
        case .productItem: break
        @unknown default: break
        }
    }
    return (targets, packages)
}

if let only = Context.environment["DSMP_ONLY"] {
    var kept = Set(only.split(separator: ",").map(String.init))
    var packages: Set<String> = []
    var grew = true
    while grew {
        let before = kept.count
        for target in targets where kept.contains(target.name) {
            let needed = needs(of: target)
            kept.formUnion(needed.targets)
            kept.formUnion(startedBy[target.name] ?? [])
            packages.formUnion(needed.packages)
        }
        grew = kept.count > before
    }
    targets.removeAll { !kept.contains($0.name) }
    products.removeAll { product in
        let names = (product as? Product.Library)?.targets ?? (product as? Product.Executable)?.targets ?? []
        return !kept.isSuperset(of: names)
    }
    dependencies.removeAll { dependency in
        guard case .sourceControl(_, let location, _) = dependency.kind else { return false }
        return !packages.contains { location.hasSuffix("/\($0)") }
    }
}

let package = Package(
    name: "dsmp", products: products, dependencies: dependencies, targets: targets, swiftLanguageModes: [.v6])
