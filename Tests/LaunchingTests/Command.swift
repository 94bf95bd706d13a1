import Glibc
import Launching
import Libuv
import Testing

/// Runs programs outside a jail.
enum Command {
    /// Runs a program to its end.
    ///
    /// - Returns: its exit status, or 128 and the signal's number.
    static func run(
        _ program: String, _ arguments: [String], output: Int32? = nil, error: Int32? = nil, folder: String = "/"
    ) async throws -> Int32 {
        try await Runner(on: TestJail.loop).run(program, arguments, output: output, error: error, folder: folder)
    }
}

/// One child process on the tests' loop.
actor Runner {
    private let loop: EventLoop
    private var child: ChildProcess?
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    init(on loop: EventLoop) { self.loop = loop }
    isolated deinit {}

    func start(
        _ program: String, _ arguments: [String], output: Int32? = nil, error: Int32? = nil, folder: String = "/"
    ) throws -> Int32 {
        let child = try ChildProcess(
            ChildProcess.Description(
                program: program, arguments: arguments, environment: ["PATH=/usr/bin"], workingDirectory: folder,
                descriptors: [
                    .null, output.map { .duplicate($0) } ?? .null, error.map { .duplicate($0) } ?? .null,
                ]), on: self.loop)
        self.child = child
        return child.processID
    }

    func kill(_ signal: Int32) throws { try self.child?.kill(signal: signal) }

    func exitStatus() async throws -> Int32 {
        switch try await #require(self.child).exitStatus() {
        case .exited(let code): code
        case .signalled(let number): 128 + number
        }
    }

    func run(
        _ program: String, _ arguments: [String], output: Int32?, error: Int32?, folder: String
    ) async throws -> Int32 {
        _ = try self.start(program, arguments, output: output, error: error, folder: folder)
        return try await self.exitStatus()
    }
}
