import ControlAPI
import ControlClient
import Logging
import Server
import TestKit

/// A server over a fake agent in a folder of its own.
struct ServedAgent: Sendable {
    let folder: TemporaryFolder
    let agent: FakeAgent
    let server: ControlServer

    var client: ControlClient { ControlClient(dataFolder: self.folder.path) }
    var socket: String { self.folder.file("control.sock") }

    /// The port of the TCP listener.
    var port: UInt16 { self.server.apiURL.flatMap { UInt16($0.split(separator: ":").last ?? "") } ?? 0 }

    /// Runs the test against a server and stops it.
    static func with(
        _ agent: FakeAgent = FakeAgent(), api: APIAddress? = nil, nameBytes: Int = 0,
        _ body: (ServedAgent) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder(nameBytes: nameBytes)
        let server = try await Self.start(folder, agent, api: api)
        do {
            try await body(ServedAgent(folder: folder, agent: agent, server: server))
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    static func start(
        _ folder: TemporaryFolder, _ agent: FakeAgent = FakeAgent(), api: APIAddress? = nil
    ) async throws(ControlError) -> ControlServer {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        return try await ControlServer.start(
            .init(dataFolder: folder.path, api: api), agent: agent, logger: logger)
    }
}
