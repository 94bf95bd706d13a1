// Runs the named benchmarks, or all of them: `dsmp-bench [--list] [NAME]...`. Each prints its figures as medians, one JSON
// object a line.

/// The benchmarks by name. Add yours here.
let benchmarks: [(name: String, run: () async throws -> Report)] = [
    ("overlay", overlayBenchmark),
    ("jail", jailBenchmark),
    ("hosting", hostingBenchmark),
]

let names = CommandLine.arguments.dropFirst()
let unknown = names.filter { name in !benchmarks.contains { $0.name == name } }
if names.first == overlayPeerArgument {
    try await overlayPeer()
} else if names.first == "--list" {
    for benchmark in benchmarks { print(benchmark.name) }
} else if unknown.isEmpty {
    for benchmark in benchmarks where names.isEmpty || names.contains(benchmark.name) {
        print(try await benchmark.run())
    }
} else {
    print("no such benchmark: \(unknown.joined(separator: ", ")); `--list` shows those there are")
}
