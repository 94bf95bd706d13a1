import Dispatch
import Foundation
import Glibc

/// Runs executables of this build and waits for them off the tests' threads.
enum Program {
    /// What a program ended with.
    struct Outcome: Sendable {
        var status: Int32
        var output: [UInt8]
        var errors: String

        var text: String { String(decoding: self.output, as: UTF8.self) }
    }

    /// The folder of the executables: the one of this test's executable.
    static let folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .path(percentEncoded: false)

    static let dsmp = Self.folder + "/dsmp"

    /// Runs `dsmp`.
    static func dsmp(_ arguments: String..., input: [UInt8] = [], data: String? = nil) async throws -> Outcome {
        try await self.run(self.dsmp, arguments + (data.map { ["--data", $0] } ?? []), input: input)
    }

    /// Runs a program to its end.
    static func run(_ path: String, _ arguments: [String], input: [UInt8] = []) async throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "DSMP_DATA" }
        let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (stdin, stdout, stderr)
        try process.run()
        async let output = Self.bytes(of: stdout)
        async let errors = Self.bytes(of: stderr)
        await Self.offThread {
            try? stdin.fileHandleForWriting.write(contentsOf: Data(input))
            try? stdin.fileHandleForWriting.close()
        }
        let (bytes, text) = (await output, await errors)
        await Self.offThread { process.waitUntilExit() }
        let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        return Outcome(status: status, output: bytes, errors: String(decoding: text, as: UTF8.self))
    }

    private static func bytes(of pipe: Pipe) async -> [UInt8] {
        await self.offThread { Array(pipe.fileHandleForReading.readDataToEndOfFile()) }
    }

    /// Runs blocking work on a thread of its own.
    static func offThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            Thread { continuation.resume(returning: body()) }.start()
        }
    }
}
