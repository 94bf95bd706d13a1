package import ControlAPI
internal import HummingbirdCore
package import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The control surface of one agent: HTTP/1.1 on `<data>/control.sock` and, when asked for, on a TCP address
/// (Specs/control-api.md).
///
/// One thread carries the sockets of both. A connection's failure never reaches another connection.
package final class ControlServer: Sendable {
    /// The bounds of the surface. Each listener enforces them by itself.
    package enum Limits {
        /// Connections served at once by one listener; further ones wait.
        package static let connections = 128
        /// All header fields of one request, in bytes.
        package static let headerBytes = 16_384
        /// Header fields of one request.
        package static let headerCount = 64
        /// The body of a request that is not a call, in bytes.
        package static let bodyBytes = 2_097_152
        /// How long a connection may idle between requests, or stall while it sends one, in seconds.
        package static let idleSeconds: Int64 = 120
    }

    /// Where the surface listens.
    package struct Configuration: Sendable {
        /// The data folder, which must exist with mode 0700.
        package var dataFolder: String
        /// The TCP address; nil leaves TCP off.
        package var api: APIAddress?

        package init(dataFolder: String, api: APIAddress? = nil) {
            self.dataFolder = dataFolder
            self.api = api
        }
    }

    /// `http://host:port` of the TCP listener with the port that was taken; nil without one.
    package let apiURL: String?
    private let group: MultiThreadedEventLoopGroup
    private let socket: ControlSocket
    private let serving: Mutex<Task<Void, Never>?>

    private init(
        apiURL: String?, group: MultiThreadedEventLoopGroup, socket: ControlSocket, serving: Task<Void, Never>
    ) {
        self.apiURL = apiURL
        self.group = group
        self.socket = socket
        self.serving = Mutex(serving)
    }

    /// Takes the addresses and starts to serve.
    ///
    /// - Throws: `conflict` when another agent answers on the socket or the TCP port is taken, `refused` when the data
    ///   folder or the token file is open to others, `exhausted` when the process has no descriptor left.
    package static func start(
        _ configuration: Configuration, agent: any AgentControl, logger: Logger
    ) async throws(ControlError) -> ControlServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do throws(ControlError) {
            return try await Self.start(configuration, agent: agent, logger: logger, group: group)
        } catch {
            await Self.shutDown(group)
            throw error
        }
    }

    private static func start(
        _ configuration: Configuration, agent: any AgentControl, logger: Logger, group: MultiThreadedEventLoopGroup
    ) async throws(ControlError) -> ControlServer {
        let socket = try ControlSocket(dataFolder: configuration.dataFolder)
        var listeners: [Listener] = []
        var apiURL: String?
        do throws(ControlError) {
            let boundURL = BoundURL()
            if let address = configuration.api {
                let token = try APIToken.load(dataFolder: configuration.dataFolder)
                let service = ControlService(agent: agent, access: .token(token, address), apiURL: boundURL)
                let listener = try await Listener.bind(address, serving: service, group: group, logger: logger)
                apiURL = "http://\(address.with(port: listener.port))"
                boundURL.set(apiURL)
                listeners.append(listener)
            }
            let service = ControlService(agent: agent, access: .localUser, apiURL: boundURL)
            listeners.append(try await Listener.adopt(socket, serving: service, group: group, logger: logger))
        } catch {
            socket.remove()
            throw error
        }
        let serving = Task { [listeners] in
            await withTaskGroup(of: Void.self) { group in
                for listener in listeners { group.addTask { await listener.run() } }
            }
        }
        return ControlServer(apiURL: apiURL, group: group, socket: socket, serving: serving)
    }

    /// Removes the socket, ends every connection and returns when nothing is left. Further calls do nothing.
    package func stop() async {
        let serving = self.serving.withLock { serving in
            defer { serving = nil }
            return serving
        }
        guard let serving else { return }
        self.socket.remove()
        serving.cancel()
        await serving.value
        await Self.shutDown(self.group)
    }

    /// The group has no work left here, so its shutdown has no way to fail that anybody could act on.
    private static func shutDown(_ group: MultiThreadedEventLoopGroup) async {
        try? await group.shutdownGracefully()
    }
}

/// The URL of the TCP listener, which is known only once it is bound.
final class BoundURL: Sendable {
    private let url = Mutex<String?>(nil)

    var value: String? { self.url.withLock { $0 } }

    func set(_ url: String?) { self.url.withLock { $0 = url } }
}
