import ControlAPI
import Core
import Glibc
import Libuv
import Logging
import Server
import Wire

/// The agent as a process: it starts, says how to use it, waits to be asked to end, and ends cleanly.
enum ResidentAgent {
    /// Open files that the agent asks for, when the machine lets it.
    static let openFiles: rlim_t = 65_536

    /// Runs until a signal asks it to end.
    ///
    /// - Throws: `failed` with what to do when it cannot start; nothing is left running then.
    static func run(_ settings: AgentSettings, dataFolder: String) async throws(ControlError) {
        umask(0o077)  // Whatever the agent or a library makes is for its user alone.
        Self.raiseOpenFiles()
        let logger = Logger(label: "dsmp") { _ in HumanLog(logLevel: settings.logLevel) }
        let loop = EventLoop()
        let relay = SignalRelay(on: loop)
        let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
        do throws(LibuvError) {
            try await relay.start([SIGTERM, SIGINT, SIGHUP]) { continuation.yield($0) }
        } catch {
            throw ControlError(.internal, "\(error)")
        }
        let agent = try await Self.start(settings, dataFolder: dataFolder, on: loop, logger: logger)
        let server: ControlServer
        do throws(ControlError) {
            server = try await ControlServer.start(
                .init(dataFolder: dataFolder, api: settings.api), agent: agent, logger: logger)
        } catch {
            await agent.stop()
            throw error
        }
        await Self.announce(agent, server, dataFolder: dataFolder, logger: logger)
        for await signal in signals {
            logger.info(
                "asked to end by \(signal == SIGINT ? "SIGINT" : signal == SIGHUP ? "SIGHUP" : "SIGTERM"); ending")
            break
        }
        // A second signal takes effect at once: whoever asks twice does not want to wait.
        await relay.stop()
        await server.stop()
        await agent.stop()
        logger.info("ended")
    }

    private static func start(
        _ settings: AgentSettings, dataFolder: String, on loop: EventLoop, logger: Logger
    ) async throws(ControlError) -> Agent {
        var configuration = AgentConfiguration(
            dataFolder: dataFolder, listenAddresses: settings.listen, bootstrapAddresses: settings.bootstrap,
            agentVersion: AgentVersion.text)
        configuration.policyFile = settings.policy
        do throws(AgentStartError) {
            let complete = configuration
            return try await Agent.start(complete, on: loop, logger: logger) { identity, folder in
                try await OverlayNetwork.start(complete, identity: identity, folder: folder, on: loop, logger: logger)
            }
        } catch {
            throw ControlError(.failed, error.description)
        }
    }

    private static func announce(_ agent: Agent, _ server: ControlServer, dataFolder: String, logger: Logger) async {
        logger.info("agent \(agent.peerID) is up, version \(AgentVersion.text), data in \(dataFolder)")
        if let status = try? await agent.status() {
            for address in status.addresses { logger.info("peers reach it at \(address)") }
        }
        if let api = server.apiURL {
            await agent.setAPIAddress(api)
            logger.info("control API at \(api), token in \(dataFolder)/\(APIToken.fileName)")
        }
        logger.info("next: dsmp status --data \(dataFolder)")
    }

    private static func raiseOpenFiles() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, Self.openFiles))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
