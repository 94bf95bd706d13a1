import ControlAPI
import Core
import Foundation
import Identity
import Libuv
import Logging
import Mesh
import Synchronization
import TestKit
import Testing
import Wire

/// A clock that tests turn forward.
final class TestClock: Sendable {
    private let offset = Mutex<UInt64>(0)

    var agentClock: AgentClock {
        AgentClock { AgentClock.system.unixMilliseconds + self.offset.withLock { $0 } }
    }

    func advance(milliseconds: UInt64) { self.offset.withLock { $0 += milliseconds } }
}

/// Several agents in this process, each with a data folder of its own, on a mesh in memory.
final class AgentFixture: Sendable {
    static let loop = EventLoop()

    let clock = TestClock()
    let mesh: MemoryMesh
    private let folders = Mutex<[String: TemporaryFolder]>([:])

    init() { self.mesh = MemoryMesh(clock: self.clock.agentClock) }

    /// The data folder of an agent by its name, made at the first use.
    func folder(_ name: String) throws -> TemporaryFolder {
        try self.folders.withLock { folders in
            if let folder = folders[name] { return folder }
            let folder = try TemporaryFolder()
            folders[name] = folder
            return folder
        }
    }

    /// Starts an agent on its data folder, for the first time or again.
    func start(_ name: String) async throws -> Agent {
        var configuration = AgentConfiguration(
            dataFolder: try self.folder(name).path, listenAddresses: [], agentVersion: "dsmp/test")
        configuration.clock = self.clock.agentClock
        let mesh = self.mesh
        var logger = Logger(label: name)
        logger.logLevel = .critical
        return try await Agent.start(configuration, on: Self.loop, logger: logger) { key, _ in
            MemoryNetwork(mesh, key.peerID)
        }
    }

    /// A folder with a worker of kind `exec`, and its path.
    func worker(
        _ name: String, visibility: WorkerVisibility = .public, release: String = "1.0.0",
        entry: String = "[/usr/bin/tr, a-z, A-Z]", tags: String = "[text]", isIdempotent: Bool = true
    ) throws -> String {
        let folder = try self.folder("worker \(name) \(release) \(entry)")
        let manifest = """
            name: \(name)
            kind: exec
            entry: \(entry)
            release: \(release)
            visibility: \(visibility.rawValue)
            description: A worker of the tests.
            tags: \(tags)
            methods:
              run:
                description: Does it.
                streaming: both
                idempotent: \(isIdempotent)
            """
        try Data(manifest.utf8).write(to: URL(filePath: folder.file("worker.yaml")))
        return folder.path
    }
}

extension Agent {
    /// Calls a worker with one message and returns the whole answer as text.
    func answer(
        _ worker: String, _ input: String = "hello", method: String = "run", deadlineMilliseconds: UInt32 = 20_000
    ) async throws -> String {
        let exchange = try await self.call(
            CallRequest(worker: worker, method: method, deadlineMilliseconds: deadlineMilliseconds))
        try await exchange.send(Array(input.utf8))
        try await exchange.finishSending()
        var output: [UInt8] = []
        while let message = try await exchange.receive() { output += message }
        return String(decoding: output, as: UTF8.self)
    }

    /// The names of the workers that a search finds.
    func names(_ query: String) async throws -> [String] {
        try await self.find(FindRequest(query: query)).map {
            $0.worker.split(separator: "/").last.map(String.init) ?? ""
        }
    }

    /// The code with which a verb fails; nil when it does not.
    func code<Value: Sendable>(_ body: (Agent) async throws -> Value) async -> ControlErrorCode? {
        do {
            _ = try await body(self)
            return nil
        } catch let error as ControlError {
            return error.code
        } catch let failure as CallFailure {
            return ControlError(failure).code
        } catch {
            return .internal
        }
    }
}
