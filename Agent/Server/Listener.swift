internal import ControlAPI
internal import Glibc
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix

/// One listening socket and the connections it brings.
struct Listener: Sendable {
    private let channel: NIOAsyncChannel<HTTP1Channel.Value?, Never>
    private let http: HTTP1Channel
    private let logger: Logger

    /// The TCP port that was taken; 0 for a Unix socket.
    var port: Int { self.channel.channel.localAddress?.port ?? 0 }

    /// Serves the Unix socket, whose listening descriptor is taken over.
    static func adopt(
        _ socket: ControlSocket, serving service: ControlService, group: any EventLoopGroup, logger: Logger
    ) async throws(ControlError) -> Listener {
        guard let descriptor = socket.takeListener() else {
            throw ControlError(.internal, "the control socket is already in use by this process")
        }
        let http = Self.http(service)
        do {
            let channel = try await Self.bootstrap(group, logger).bind(descriptor) { child in
                PeerCredentials.areAccepted(on: child).flatMap { accepted -> EventLoopFuture<HTTP1Channel.Value?> in
                    guard accepted else {
                        logger.warning("a process of another user tried the control socket and was refused")
                        return child.close().map { nil }
                    }
                    return http.setup(channel: child, logger: logger).map(Optional.some)
                }
            }
            return Listener(channel: channel, http: http, logger: logger)
        } catch {
            throw ControlError(.internal, "the control socket cannot be served: \(error)")
        }
    }

    /// Takes a TCP address and serves it.
    static func bind(
        _ address: APIAddress, serving service: ControlService, group: any EventLoopGroup, logger: Logger
    ) async throws(ControlError) -> Listener {
        let http = Self.http(service)
        do {
            let bootstrap = Self.bootstrap(group, logger)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            let channel = try await bootstrap.bind(host: address.host, port: address.port) { child in
                http.setup(channel: child, logger: logger).map(Optional.some)
            }
            return Listener(channel: channel, http: http, logger: logger)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw ControlError(
                .conflict, "the address \(address) is taken by another program", hint: "choose another with --api")
        } catch {
            throw ControlError(
                .invalid, "the address \(address) cannot be listened on: \(error)", hint: "choose another with --api")
        }
    }

    /// Serves connections until the task is cancelled or the socket closes; at most ``ControlServer/Limits/connections``
    /// at once.
    func run() async {
        do {
            try await self.channel.executeThenClose { connections in
                await withTaskGroup(of: Void.self) { group in
                    await self.accept(connections, in: &group)
                }
            }
        } catch {
            self.logger.debug("a control listener ended: \(error)")
        }
    }

    private func accept(
        _ connections: NIOAsyncChannelInboundStream<HTTP1Channel.Value?>, in group: inout TaskGroup<Void>
    ) async {
        var served = 0
        do {
            for try await connection in connections {
                guard let connection else { continue }
                if served >= ControlServer.Limits.connections {
                    await group.next()
                    served -= 1
                }
                served += 1
                group.addTask { await self.http.handle(value: connection, logger: self.logger) }
            }
        } catch {
            self.logger.warning("the control surface stopped taking connections: \(error)")
        }
    }

    private static func http(_ service: ControlService) -> HTTP1Channel {
        HTTP1Channel(
            responder: { request, writer, channel in
                try await service.respond(to: request, writer, on: channel)
            },
            configuration: .init(
                idleTimeout: .seconds(ControlServer.Limits.idleSeconds),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: ControlServer.Limits.headerBytes,
                    maxHeaderListSize: ControlServer.Limits.headerBytes,
                    maxHeaderFieldCount: ControlServer.Limits.headerCount)))
    }

    private static func bootstrap(_ group: any EventLoopGroup, _ logger: Logger) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: ControlSocket.backlog)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptErrorHandler(logger: logger))
                }
            }
    }
}

/// Keeps one failed accept, such as a lack of descriptors, from ending the listener.
private final class AcceptErrorHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.logger.warning("a connection to the control surface could not be taken: \(error)")
    }
}
