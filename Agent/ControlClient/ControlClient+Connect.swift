internal import ControlAPI
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

extension ControlClient {
    /// Opens a connection. The path of the socket goes through `/proc/self/fd`, because a socket address holds only
    /// 107 bytes.
    func connect() async throws(ControlError) -> Connection {
        let folder = unsafe open(self.dataFolder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else {
            if errno == EACCES { throw self.closed }
            throw self.absent
        }
        defer { close(folder) }
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: "/proc/self/fd/\(folder)/control.sock") { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw self.translated(error)
        }
    }

    /// Turns a failed connection into what a person can act on.
    func translated(_ error: any Error) -> ControlError {
        switch error {
        case let error as ControlError: return error
        case let error as IOError where error.errnoCode == ENOENT || error.errnoCode == ECONNREFUSED:
            return self.absent
        case let error as IOError where error.errnoCode == EACCES || error.errnoCode == EPERM: return self.closed
        default:
            return ControlError(
                .unreachable, "the agent on \(self.dataFolder) broke the connection off: \(error)",
                hint: "see whether it still runs with `dsmp status`")
        }
    }

    private var absent: ControlError {
        ControlError(
            .unreachable, "no agent is running on \(self.dataFolder)",
            hint: "start one with `dsmp agent run --data \(self.dataFolder)`")
    }

    private var closed: ControlError {
        ControlError(
            .refused, "the agent on \(self.dataFolder) belongs to another user",
            hint: "run the command as that user or as root")
    }
}
