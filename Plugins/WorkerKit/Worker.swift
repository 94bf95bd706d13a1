import Glibc

/// A worker that runs as a process of its own: a set of methods, each an asynchronous function over a ``Call``.
///
/// ```swift
/// var worker = Worker()
/// worker.method("upper") { call in
///     while let message = try await call.receive() {
///         try await call.send(Array(String(decoding: message, as: UTF8.self).uppercased().utf8))
///     }
/// }
/// worker.run()
/// ```
///
/// The agent starts the process with the channel on descriptor 3 (Specs/worker-channel.md). Standard output and standard
/// error are the worker's log.
public struct Worker {
    /// Where the handler of a method runs.
    public enum Execution: Sendable, Hashable {
        /// On the thread that also reads and writes the channel: the fastest, for handlers that never block or compute
        /// for long.
        case inline
        /// On Swift's pool of threads: for handlers that block or compute.
        case concurrent
    }

    struct Method: Sendable {
        var execution: Execution
        var handler: @Sendable (Call) async throws -> Void
    }

    private var methods: [String: Method] = [:]
    private let maximumCalls: Int

    /// A worker without methods.
    ///
    /// - Parameter maximumCalls: calls at once, 1 to 4,096; the manifest may allow fewer.
    public init(maximumCalls: Int = 256) {
        precondition((1...4_096).contains(maximumCalls), "a worker takes 1 to 4,096 calls at once")
        self.maximumCalls = maximumCalls
    }

    /// Adds a method. The call ends well when the handler returns, and with the error that it throws otherwise: a
    /// ``CallError`` as it is, any other error as ``CallError/Code/failed`` with its description.
    ///
    /// - Parameters:
    ///   - name: as in worker.yaml: 1 to 64 of `[A-Za-z0-9._/-]`.
    ///   - execution: where the handler runs.
    ///   - handler: called once a call.
    public mutating func method(
        _ name: String, execution: Execution = .inline, handler: @escaping @Sendable (Call) async throws -> Void
    ) {
        precondition(self.methods[name] == nil, "the method \(name) is added twice")
        self.methods[name] = Method(execution: execution, handler: handler)
    }

    /// Adds a method that takes one input as a whole and gives one output.
    ///
    /// - Parameters:
    ///   - name: as in worker.yaml.
    ///   - execution: where the handler runs.
    ///   - inputLimit: the most bytes of input.
    ///   - handler: called once a call. An output over 1 MiB is sent as several messages.
    public mutating func unary(
        _ name: String, execution: Execution = .inline, inputLimit: Int = 1_048_576,
        handler: @escaping @Sendable (_ input: [UInt8], _ call: Call) async throws -> [UInt8]
    ) {
        self.method(name, execution: execution) { call in
            let output = try await handler(try await call.receiveAll(limit: inputLimit), call)
            var rest = output[...]
            repeat {
                try await call.send(Array(rest.prefix(1_048_576)))
                rest = rest.dropFirst(1_048_576)
            } while !rest.isEmpty
        }
    }

    /// Serves calls until the agent stops the worker, then ends the process. Never returns.
    public func run() -> Never {
        guard let text = unsafe getenv("DSMP_CHANNEL"), let descriptor = unsafe Int32(String(cString: text)) else {
            Self.complain("this program is a worker: it is started by an agent (`dsmp worker host`), not by hand")
            exit(64)
        }
        let runtime = ChannelRuntime(descriptor: descriptor, methods: self.methods, maximumCalls: self.maximumCalls)
        exit(runtime.run())
    }

    static func complain(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
    }
}
