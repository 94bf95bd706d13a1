import Glibc
import Synchronization
import WorkerChannel

/// The worker's end of the channel: one thread that reads, writes and runs the inline handlers.
///
/// State is behind one lock, since concurrent handlers use it from other threads. Handlers' tasks prefer this executor,
/// so that an inline handler answers without a change of thread.
final class ChannelRuntime: TaskExecutor, Sendable {
    /// Bytes that the caller may send in each call before the handler takes them.
    static let windowBytes: UInt32 = 262_144
    /// Bytes of output that may wait for the agent; beyond, nothing is read, so that nothing more is produced.
    static let outputBytes = 4_194_304

    struct CallState {
        let serial: UInt64
        var messages: [[UInt8]] = []
        /// Messages before this index were taken.
        var taken = 0
        var isInputFinished = false
        var cancellation: CallError?
        var receiver: CheckedContinuation<Void, Never>?
        var sender: CheckedContinuation<Void, Never>?
        var task: Task<Void, Never>?
    }

    struct State {
        var channel: WorkerChannel
        var calls: [UInt32: CallState] = [:]
        var nextSerial: UInt64 = 1
        var jobs: [UnownedJob] = []
    }

    let state: Mutex<State>
    private let descriptor: Int32
    /// A pipe that wakes the thread out of `poll`.
    private let wakeup: (read: Int32, write: Int32)
    private let thread = Atomic<UInt>(0)
    private let methods: [String: Worker.Method]

    init(descriptor: Int32, methods: [String: Worker.Method], maximumCalls: Int) {
        self.descriptor = descriptor
        self.methods = methods
        var ends: [Int32] = [-1, -1]
        unsafe pipe(&ends)
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        self.wakeup = (ends[0], ends[1])
        let hello = ChannelHello(windowBytes: Self.windowBytes, calls: UInt32(maximumCalls), name: "WorkerKit/0")
        self.state = Mutex(State(channel: WorkerChannel(role: .worker, hello: hello)))
    }

    // MARK: The executor

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.state.withLock { $0.jobs.append(job) }
        self.wakeUnlessCurrent()
    }

    /// Makes the thread look at its state soon, when another thread changed it.
    func wakeUnlessCurrent() {
        guard self.thread.load(ordering: .acquiring) != pthread_self() else { return }
        var byte: UInt8 = 1
        _ = unsafe Glibc.write(self.wakeup.write, &byte, 1)  // A full pipe wakes the thread as well.
    }

    private func runJobs() {
        while true {
            var jobs: [UnownedJob] = []
            self.state.withLock { swap(&$0.jobs, &jobs) }
            guard !jobs.isEmpty else { return }
            for job in jobs { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }

    // MARK: The thread

    /// Serves until the agent leaves or stops the worker.
    ///
    /// - Returns: the exit status of the process.
    func run() -> Int32 {
        self.thread.store(pthread_self(), ordering: .releasing)
        let flags = fcntl(self.descriptor, F_GETFL)
        guard self.wakeup.read >= 0, flags >= 0, fcntl(self.descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
            Worker.complain("descriptor \(self.descriptor) is not the channel to an agent")
            return 71
        }
        var pending: [UInt8] = []
        var offset = 0
        var buffer = [UInt8](repeating: 0, count: 262_144)
        while true {
            self.runJobs()
            self.state.withLock { state in
                if offset == pending.count {
                    pending = state.channel.takeOutput()
                    offset = 0
                }
            }
            guard self.write(pending, &offset) else { return 0 }
            let (isDone, backlog) = self.state.withLock { state in
                (state.channel.phase == .stopping && state.calls.isEmpty, state.channel.output.count)
            }
            let isEmpty = offset == pending.count
            if isDone, isEmpty, backlog == 0 { return 0 }
            if isEmpty, backlog > 0 { continue }
            guard self.wait(writes: !isEmpty, reads: backlog < Self.outputBytes) else { continue }
            switch self.read(&buffer) {
            case .some(0): return 0
            case .some(let count):
                guard self.receive(buffer, count) else { return 76 }
            case nil: break
            }
        }
    }

    /// Waits for the agent, for room, or for another thread.
    ///
    /// - Returns: whether there is something to read.
    private func wait(writes: Bool, reads: Bool) -> Bool {
        let events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0)
        var polled = [
            pollfd(fd: self.descriptor, events: Int16(events), revents: 0),
            pollfd(fd: self.wakeup.read, events: Int16(POLLIN), revents: 0),
        ]
        guard unsafe poll(&polled, 2, -1) > 0 else { return false }
        if polled[1].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 1_024)
            _ = unsafe Glibc.read(self.wakeup.read, &bytes, bytes.count)
        }
        return polled[0].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0
    }

    /// Writes what the socket takes now.
    ///
    /// - Returns: false when the agent is gone.
    private func write(_ bytes: [UInt8], _ offset: inout Int) -> Bool {
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(self.descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            if count >= 0 {
                offset += count
            } else if errno == EAGAIN {
                return true
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    /// - Returns: the bytes read, 0 at the end of the channel, nil when there is nothing now.
    private func read(_ buffer: inout [UInt8]) -> Int? {
        let count = unsafe buffer.withUnsafeMutableBytes {
            unsafe Glibc.read(self.descriptor, $0.baseAddress, $0.count)
        }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? nil : 0
    }

    // MARK: What the agent says

    private func receive(_ buffer: [UInt8], _ count: Int) -> Bool {
        var events: [WorkerChannel.Event] = []
        let violation = self.state.withLock { state -> ChannelViolation? in
            do throws(ChannelViolation) {
                try unsafe state.channel.receive(buffer.span.bytes.extracting(0..<count), into: &events)
                return nil
            } catch { return error }
        }
        if let violation {
            Worker.complain("the agent broke the channel's rules: \(violation)")
            return false
        }
        for event in events { self.apply(event) }
        return true
    }

    private func apply(_ event: WorkerChannel.Event) {
        switch event {
        case .connected: self.state.withLock { $0.channel.becomeReady() }
        case .opened(let id, let opening): self.begin(id, opening)
        case .message(let id, let message):
            self.change(id) { call in
                call.messages.append(message)
                return [call.receiver.take()]
            }
        case .inputFinished(let id):
            self.change(id) { call in
                call.isInputFinished = true
                return [call.receiver.take()]
            }
        case .writable(let id): self.change(id) { [$0.sender.take()] }
        case .cancelled(let id, let code):
            let task = self.state.withLock { $0.calls[id]?.task }
            self.change(id) { call in
                call.cancellation = CallError(
                    CallError.Code(rawValue: code) ?? .cancelled, "the caller gave up or the deadline passed")
                return [call.receiver.take(), call.sender.take()]
            }
            task?.cancel()
        case .stopping, .ponged, .ready, .ended: break
        }
    }

    /// Changes a call and resumes, outside the lock, who is to go on.
    private func change(_ id: UInt32, _ body: (inout CallState) -> [CheckedContinuation<Void, Never>?]) {
        let woken = self.state.withLock { state -> [CheckedContinuation<Void, Never>?] in
            guard var call = state.calls.removeValue(forKey: id) else { return [] }
            let woken = body(&call)
            state.calls[id] = call
            return woken
        }
        for continuation in woken { continuation?.resume() }
    }

    private func begin(_ id: UInt32, _ opening: ChannelOpening) {
        guard let method = self.methods[opening.method] else {
            self.state.withLock {
                $0.channel.end(
                    id,
                    ChannelEnd(
                        code: CallError.Code.noSuchMethod.rawValue,
                        text: "the worker has no method `\(opening.method)`; compare worker.yaml with its code"))
            }
            return
        }
        let serial = self.state.withLock { state in
            let serial = state.nextSerial
            state.nextSerial += 1
            state.calls[id] = CallState(serial: serial)
            return serial
        }
        let call = Call(runtime: self, id: id, serial: serial, opening: opening)
        let task = Task(executorPreference: method.execution == .inline ? self : nil) {
            do {
                try await method.handler(call)
                self.end(id, serial, ChannelEnd(code: 0))
            } catch let error as CallError {
                self.end(
                    id, serial,
                    ChannelEnd(
                        code: error.code.rawValue, text: error.message, mayRetryElsewhere: error.mayRetryElsewhere))
            } catch is CancellationError {
                self.end(id, serial, ChannelEnd(code: CallError.Code.cancelled.rawValue, text: "cancelled"))
            } catch {
                self.end(id, serial, ChannelEnd(code: CallError.Code.failed.rawValue, text: "\(error)"))
            }
        }
        self.state.withLock { state in
            if state.calls[id]?.serial == serial { state.calls[id]?.task = task }
        }
    }

    private func end(_ id: UInt32, _ serial: UInt64, _ end: ChannelEnd) {
        self.state.withLock { state in
            guard state.calls[id]?.serial == serial else { return }
            state.calls.removeValue(forKey: id)
            state.channel.end(id, end)
        }
        self.wakeUnlessCurrent()
    }
}
