import Foundation
import Synchronization
import TestKit

/// An independent libp2p peer in a process of its own, driven by JSON lines (Tests/InteropTests/peers). It ends with this
/// value, and when this process ends for whatever reason, because its standard input ends then.
final class ForeignPeer: Sendable {
    enum Kind: String, Sendable {
        case go = "go_peer.py"
        case python = "py_peer.py"
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct Greeting: Decodable {
        let peer: String
        let addresses: [String]
    }

    private struct Answer<Result: Decodable>: Decodable {
        let ok: Result?
        let error: String?
    }

    struct Nothing: Codable {}

    /// Everything that a request can name.
    struct Request: Encodable {
        var op: String
        var peer: String?
        var addresses: [String]?
        var protocols: [String]?
        var count: Int?
        var bytes: Int?
        var streams: Int?
        var key: String?
        var value: String?
        var cid: String?
    }

    let peer: String
    let addresses: [String]
    private let process: Mutex<Process>
    private let input: FileHandle
    private let output: FileHandle
    /// Requests wait here one behind the other, off the threads that tasks run on.
    private let queue = DispatchQueue(label: "foreign peer")

    init(_ kind: Kind) throws {
        let python = "\(Repository.root)/.peers/venv/bin/python"
        let p2pd = "\(Repository.root)/.peers/p2pd"
        for path in [python, p2pd] where !FileManager.default.isExecutableFile(atPath: path) {
            throw Failure(description: "\(path) is missing; run Tests/Support/setup-peers")
        }
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["\(Repository.root)/Tests/InteropTests/peers/\(kind.rawValue)"]
        process.environment = ProcessInfo.processInfo.environment.merging(["P2PD": p2pd]) { $1 }
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice  // py-libp2p reports every request that it refuses.
        try process.run()
        self.input = input.fileHandleForWriting
        self.output = output.fileHandleForReading
        guard let line = Self.readLine(self.output) else {
            throw Failure(description: "\(kind.rawValue) did not start; run it by hand to see why")
        }
        let greeting = try JSONDecoder().decode(Greeting.self, from: line)
        self.peer = greeting.peer
        self.addresses = greeting.addresses
        self.process = Mutex(process)
    }

    deinit {
        try? self.input.close()
        self.process.withLock { $0.waitUntilExit() }
    }

    /// Asks for something and returns the answer.
    ///
    /// - Throws: ``Failure`` with the peer's own words.
    func ask<Result: Decodable & Sendable>(_ request: Request, as type: Result.Type) async throws -> Result? {
        let line = try JSONEncoder().encode(request) + Data("\n".utf8)
        let answer = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Data, any Error>) in
            self.queue.async {
                do {
                    try self.input.write(contentsOf: line)
                    guard let answer = Self.readLine(self.output) else {
                        throw Failure(description: "the peer's process ended")
                    }
                    continuation.resume(returning: answer)
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
        let decoded = try JSONDecoder().decode(Answer<Result>.self, from: answer)
        if let error = decoded.error { throw Failure(description: "\(request.op): \(error)") }
        return decoded.ok
    }

    /// Asks for something whose answer does not matter.
    func perform(_ request: Request) async throws { _ = try await self.ask(request, as: Nothing.self) }

    private static func readLine(_ handle: FileHandle) -> Data? {
        var line = Data()
        while let byte = try? handle.read(upToCount: 1), !byte.isEmpty {
            if byte[byte.startIndex] == UInt8(ascii: "\n") { return line }
            line += byte
        }
        return nil
    }
}
