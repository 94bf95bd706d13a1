import Launching
import Libuv
import Mesh

/// One process that serves one call: messages go to its standard input, its standard output comes back as messages.
actor ExecProcess {
    /// The most bytes of one message made from standard output.
    static let chunkBytes = 65_536
    /// Bytes of output that may wait for the caller before reading stops.
    static let windowBytes = 262_144

    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    private let order: CallOrder
    private let log: @Sendable (String) -> Void
    private let onEnd: @Sendable () -> Void
    var mailbox = CallMailbox()
    private var launching: Task<Void, Never>?
    private var process: LaunchedProcess?
    var input: PipeConnection?
    private var output: PipeConnection?
    private var errors: PipeConnection?
    private var deadline: LoopTimer?
    /// The program was started, and its streams are there.
    private(set) var isRunning = false
    private var hasOutputEnded = false
    private var hasErrorsEnded = false
    private var report: ExitReport?
    private var waitingBytes = 0
    private var isOutputPaused = false
    /// The end of standard error, for the failure.
    private var tail: [UInt8] = []
    private var lines = LineSplitter()
    private var hasEnded = false

    init(
        on loop: EventLoop, order: CallOrder, log: @escaping @Sendable (String) -> Void,
        onEnd: @escaping @Sendable () -> Void
    ) {
        self.loop = loop
        self.order = order
        self.log = log
        self.onEnd = onEnd
    }

    isolated deinit { self.closeStreams() }

    /// Launches the program of the method.
    func start(_ starter: ProcessStarter) {
        self.setDeadline()
        let arguments = self.order.method.arguments
        self.launching = Task {
            do throws(LaunchError) {
                self.launched(try await starter.launchExec(arguments))
            } catch {
                self.launchFailed(error)
            }
        }
    }

    private func setDeadline() {
        let milliseconds = self.order.header.deadlineMilliseconds
        guard milliseconds > 0 else { return }
        // The loop refuses timers only while it stops; then the process is about to be ended anyway.
        do throws(LibuvError) { self.deadline = try LoopTimer(on: self.loop) } catch { return }
        self.deadline?.start(afterMilliseconds: UInt64(min(milliseconds, CallLimits.deadlineMilliseconds))) {
            [weak self] in self?.assumeIsolated { $0.fail(.deadline(milliseconds)) }
        }
    }

    private func launchFailed(_ error: LaunchError) {
        self.mailbox.finish(
            .failed(CallFailure(.unavailable, "the program could not be started: \(error)", mayRetryElsewhere: true)))
        self.end()
    }

    private func launched(_ process: LaunchedProcess) {
        self.process = process
        if self.mailbox.end != nil { process.kill() }
        do throws(LibuvError) {
            self.input = try self.adopt(process.takeInput())
            self.output = try self.adopt(process.takeOutput())
            self.errors = try self.adopt(process.takeLog())
        } catch {
            process.kill()
            self.mailbox.finish(.failed(CallFailure(.internal, "the program's streams cannot be used: \(error)")))
        }
        self.startStreams()
        self.isRunning = true
        self.mailbox.wakeSender()
        self.closeInputWhenEmpty()
        Task { self.exited(await process.exitStatus()) }
    }

    private func adopt(_ descriptor: Int32?) throws(LibuvError) -> PipeConnection? {
        guard let descriptor else { return nil }
        return try PipeConnection(adopting: OwnedDescriptor(adopting: descriptor), on: self.loop)
    }

    private func startStreams() {
        // Every queued byte makes a sender wait, so that the pipe may be closed when the caller finishes. It is never
        // started: nothing can be read from this end of a pipe.
        self.input?.highWaterMarkByteCount = 1
        self.input?.lowWaterMarkByteCount = 0
        self.output?.start(
            onBytes: { [weak self] bytes in
                let copy = Self.copy(bytes)
                self?.assumeIsolated { $0.onOutput(copy) }
            }, onEvent: { [weak self] event in if event != .writable { self?.assumeIsolated { $0.outputEnded() } } })
        self.errors?.start(
            onBytes: { [weak self] bytes in
                let copy = Self.copy(bytes)
                self?.assumeIsolated { $0.onErrors(copy) }
            }, onEvent: { [weak self] event in if event != .writable { self?.assumeIsolated { $0.errorsEnded() } } })
        if self.output == nil { self.hasOutputEnded = true }
        if self.errors == nil { self.hasErrorsEnded = true }
    }

    private static func copy(_ bytes: RawSpan) -> [UInt8] { unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) } }

    // MARK: Streams

    /// The program reads no more. What it says on its way out decides how the call ends.
    func closeInput() {
        self.input?.close()
        self.input = nil
    }

    /// Tells the program that its input is complete, once the pipe took all of it.
    func closeInputWhenEmpty() {
        guard self.mailbox.isInputFinished, let input = self.input, input.queuedByteCount == 0 else { return }
        self.closeInput()
    }

    private func onOutput(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            self.mailbox.push(Array(rest.prefix(Self.chunkBytes)))
            rest = rest.dropFirst(Self.chunkBytes)
        }
        guard self.mailbox.end == nil else { return }
        self.waitingBytes += bytes.count
        if self.waitingBytes > Self.windowBytes, !self.isOutputPaused {
            self.isOutputPaused = true
            self.output?.pauseReading()
        }
    }

    /// The caller took a message.
    func taken(_ byteCount: Int) {
        self.waitingBytes -= byteCount
        if self.isOutputPaused, self.waitingBytes <= Self.windowBytes / 2 {
            self.isOutputPaused = false
            self.output?.resumeReading()
        }
    }

    private func onErrors(_ bytes: [UInt8]) {
        self.tail.append(contentsOf: bytes.suffix(CallLimits.failureMessageBytes))
        self.tail.removeFirst(max(0, self.tail.count - CallLimits.failureMessageBytes))
        for line in self.lines.split(bytes) { self.log(line) }
    }

    private func outputEnded() {
        self.hasOutputEnded = true
        self.endWhenComplete()
    }

    private func errorsEnded() {
        self.hasErrorsEnded = true
        if let line = self.lines.takeRest() { self.log(line) }
        self.endWhenComplete()
    }

    private func exited(_ report: ExitReport) {
        self.report = report
        self.endWhenComplete()
    }

    // MARK: Ending

    /// Ends the call now and the process with it.
    func fail(_ failure: CallFailure) {
        guard self.mailbox.end == nil else { return }
        self.mailbox.finish(.failed(failure), dropsMessages: true)
        self.launching?.cancel()
        self.process?.kill()
        self.closeInput()
        // Nobody takes the output any more; a paused stream would hide its end.
        self.waitingBytes = 0
        self.isOutputPaused = false
        self.output?.resumeReading()
    }

    private func endWhenComplete() {
        guard let report = self.report, self.hasOutputEnded, self.hasErrorsEnded else { return }
        if case .exited(code: 0) = report.reason {
            self.mailbox.finish(.ok)
        } else {
            self.mailbox.finish(.failed(CallFailure(.failed, self.failureText(report))))
        }
        self.end()
    }

    private func failureText(_ report: ExitReport) -> String {
        let head = "the program \(report.reason)"
        while let last = self.tail.last, last <= 0x20 { self.tail.removeLast() }
        guard !self.tail.isEmpty else { return head }
        let quote = self.tail.suffix(CallLimits.failureMessageBytes - head.utf8.count - 2)
        return head + ": " + String(decoding: quote.drop { $0 & 0xC0 == 0x80 }, as: UTF8.self)
    }

    private func end() {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        self.closeStreams()
        self.onEnd()
    }

    private func closeStreams() {
        for stream in [self.input, self.output, self.errors] { stream?.close() }
        self.input = nil
        self.output = nil
        self.errors = nil
        self.deadline?.close()
        self.deadline = nil
    }
}
