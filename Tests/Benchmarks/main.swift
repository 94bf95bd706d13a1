// Runs the named benchmarks, or all of them: `dsmp-bench [--list] [NAME]...`. Each prints its figures as medians.

/// The benchmarks by name. Add yours here; each measures on its own and reports through ``Report``.
let benchmarks: [(name: String, run: () async throws -> Report)] = [
    ("overlay", overlayBenchmark)
]

var names = Array(CommandLine.arguments.dropFirst())
if names == ["--list"] {
    for benchmark in benchmarks { print(benchmark.name) }
    names = []
} else {
    let unknown = names.filter { name in !benchmarks.contains { $0.name == name } }
    if unknown.isEmpty {
        for benchmark in benchmarks where names.isEmpty || names.contains(benchmark.name) {
            print(try await benchmark.run())
        }
    } else {
        print("no such benchmark: \(unknown.joined(separator: ", ")); `--list` shows those there are")
    }
}
