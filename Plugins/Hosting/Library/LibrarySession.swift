import Identity
import Libuv
import Mesh
import WorkerABI

/// A worker in a shared library of this process, and its calls (Specs/worker-abi.md).
///
/// Bound to the loop: the functions marked [loop] in dsmp_worker.h are called by its methods alone, never inside one
/// another.
@safe actor LibrarySession: CallCarrier {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.loop.asUnownedSerialExecutor() }
    nonisolated let calls: LibraryCalls
    private let host: LibraryHost
    private let concurrency: Int
    // Safety: owned by the library, used on the loop's thread only, nil once destroyed.
    nonisolated(unsafe) private var worker: UnsafeMutablePointer<dsmp_worker>?
    private var nextCall: dsmp_call = 1
    private let deadlines: DeadlineList<dsmp_call>
    private var isStopping = false
    private let onStopped: @Sendable () -> Void

    /// Makes and starts the worker. `onStopped` is called on the loop when it was destroyed.
    init(
        on loop: EventLoop, library: LoadedLibrary, name: String, concurrency: Int,
        log: @escaping @Sendable (String) -> Void, onStopped: @escaping @Sendable () -> Void
    ) throws(LibraryError) {
        loop.preconditionIsCurrent()
        let duty = LibraryDuty()
        self.loop = loop
        self.concurrency = concurrency
        self.onStopped = onStopped
        self.calls = LibraryCalls(on: loop) { duty.run() }
        self.host = LibraryHost(calls: self.calls, log: log)
        self.deadlines = DeadlineList(on: loop)
        guard let worker = unsafe library.factory.pointee.create?(self.host.pointer, name) else {
            throw .refusedToStart(name: name)
        }
        guard unsafe worker.pointee.struct_size >= UInt32(MemoryLayout<dsmp_worker>.size),
            unsafe worker.pointee.on_open != nil, unsafe worker.pointee.on_message != nil,
            unsafe worker.pointee.on_finish != nil, unsafe worker.pointee.on_close != nil,
            unsafe worker.pointee.on_cancel != nil, unsafe worker.pointee.destroy != nil
        else { throw .wrongABI(reason: "its worker is incomplete") }
        if let start = unsafe worker.pointee.start, unsafe start(worker) < 0 {
            unsafe worker.pointee.destroy?(worker)
            throw .refusedToStart(name: name)
        }
        unsafe self.worker = worker
        unsafe duty.session = self
    }

    isolated deinit { self.deadlines.close() }

    var activeCallCount: Int { self.calls.openCount }

    func open(_ order: CallOrder) throws(CallFailure) -> any CallExchange {
        guard let worker = unsafe self.worker, !self.isStopping else {
            throw CallFailure(.unavailable, "the worker is stopping", mayRetryElsewhere: true)
        }
        guard self.calls.openCount < self.concurrency else {
            throw CallFailure(
                .resourceExhausted, "the worker has \(self.concurrency) calls in progress, its limit; try later",
                mayRetryElsewhere: true, retryAfterMilliseconds: 100)
        }
        let id = self.nextCall
        self.nextCall += 1
        self.calls.add(id)
        let result = self.serve { unsafe self.callOpen(worker, id, order.header) }
        guard result >= 0 else {
            _ = self.calls.abandon(id)
            self.calls.close(id)
            throw Self.failure(ofOpening: result, order.header.method)
        }
        if order.header.deadlineMilliseconds > 0 {
            self.deadlines.onExpiry { [weak self] id in
                self?.assumeIsolated {
                    $0.cancelCall(
                        id, CallFailure(.deadlineExceeded, "the call's deadline passed; allow more time or send less"))
                }
            }
            self.deadlines.set(id, afterMilliseconds: order.header.deadlineMilliseconds)
        }
        return LibraryCall(session: self, id: id)
    }

    private func callOpen(_ worker: UnsafeMutablePointer<dsmp_worker>, _ id: dsmp_call, _ header: CallHeader) -> Int32 {
        var method = header.method
        var traceParent = header.traceParent
        let caller = header.caller?.bytes ?? []
        let key = header.idempotencyKey
        var callData: UnsafeMutableRawPointer?
        let result = method.withUTF8 { method in
            traceParent.withUTF8 { traceParent in
                unsafe caller.withUnsafeBufferPointer { caller in
                    unsafe key.withUnsafeBufferPointer { key in
                        var plain = unsafe dsmp_call_header()
                        unsafe plain.struct_size = UInt32(MemoryLayout<dsmp_call_header>.size)
                        unsafe plain.method_length = UInt32(method.count)
                        unsafe plain.method = UnsafeRawPointer(method.baseAddress)?.assumingMemoryBound(to: CChar.self)
                        unsafe plain.deadline_milliseconds = header.deadlineMilliseconds
                        unsafe plain.attempt = header.attempt
                        unsafe plain.caller = caller.baseAddress
                        unsafe plain.caller_length = UInt32(caller.count)
                        unsafe plain.idempotency_key = key.baseAddress
                        unsafe plain.idempotency_key_length = UInt32(key.count)
                        unsafe plain.trace_parent =
                            UnsafeRawPointer(traceParent.baseAddress)?.assumingMemoryBound(to: CChar.self)
                        unsafe plain.trace_parent_length = UInt32(traceParent.count)
                        return unsafe worker.pointee.on_open?(worker, id, &plain, &callData)
                            ?? Int32(DSMP_ERROR_FAILED)
                    }
                }
            }
        }
        let data = UInt(bitPattern: callData)
        _ = self.calls.withCall(id) { $0.callData = data }
        return result
    }

    private static func failure(ofOpening result: Int32, _ method: String) -> CallFailure {
        switch result {
        case Int32(DSMP_ERROR_NO_METHOD): CallFailure(.noSuchMethod, "the worker has no method `\(method)`")
        case Int32(DSMP_ERROR_BUSY), Int32(DSMP_ERROR_NO_MEMORY):
            CallFailure(.resourceExhausted, "the worker is busy; try later", mayRetryElsewhere: true)
        default: CallFailure(.failed, "the worker refused the call (\(result)); its log may say why")
        }
    }

    // MARK: Functions of the library

    /// Hands one message over and keeps count of what the library has not used up.
    func deliver(_ message: [UInt8], to id: dsmp_call) {
        guard let worker = unsafe self.worker else { return }
        let cost = message.count + LibraryCalls.overheadBytes
        let data = self.calls.withCall(id) { call -> UInt? in
            guard !call.isEnded, !call.isCancelled else { return nil }
            call.unconsumedBytes += cost
            return call.callData
        }
        guard let known = data, let callData = known else { return }
        let result = self.serve {
            unsafe message.withUnsafeBufferPointer { bytes in
                unsafe worker.pointee.on_message?(
                    worker, id, UnsafeMutableRawPointer(bitPattern: callData), bytes.baseAddress, bytes.count) ?? 0
            }
        }
        switch result {
        case 0: self.calls.consumed(id, message.count)
        case 1...: break
        default: self.cancelCall(id, CallFailure(.failed, "the worker refused a message (\(result))"))
        }
    }

    func finishInput(_ id: dsmp_call) {
        guard let worker = unsafe self.worker, let callData = self.liveData(id) else { return }
        self.serve { unsafe worker.pointee.on_finish?(worker, id, UnsafeMutableRawPointer(bitPattern: callData)) }
    }

    /// Ends a call for its caller and asks the library to end it.
    func cancelCall(_ id: dsmp_call, _ failure: CallFailure) {
        guard let worker = unsafe self.worker else { return }
        let data = self.calls.withCall(id) { call -> UInt? in
            guard !call.isEnded, !call.isCancelled else { return nil }
            call.isCancelled = true
            call.mailbox.finish(.failed(failure), dropsMessages: true)
            return call.callData
        }
        guard let known = data, let callData = known else { return }
        self.serve {
            unsafe worker.pointee.on_cancel?(
                worker, id, UnsafeMutableRawPointer(bitPattern: callData), failure.code.rawValue)
        }
    }

    private func liveData(_ id: dsmp_call) -> UInt? {
        self.calls.withCall(id) { $0.isEnded || $0.isCancelled ? nil : $0.callData } ?? nil
    }

    /// Calls a function of the library, and then what it made due. Not at once inside another one.
    private func serve<Result>(_ body: () -> Result) -> Result {
        guard unsafe !self.calls.isServing else { return body() }
        unsafe self.calls.isServing = true
        let result = body()
        self.runDuties()
        unsafe self.calls.isServing = false
        return result
    }

    /// Does what a thread of the library made due.
    func performDuties() {
        self.serve {}
        if self.isStopping { self.destroyWhenIdle() }
    }

    /// Calls `on_writable` and `on_close` until none is due. Ends, since a caller must take messages in between for a
    /// call to become writable again.
    private func runDuties() {
        while let worker = unsafe self.worker {
            let duties = self.calls.takeDuties()
            if duties.writable.isEmpty, duties.closing.isEmpty { return }
            for id in duties.writable {
                guard let callData = self.liveData(id) else { continue }
                unsafe worker.pointee.on_writable?(worker, id, UnsafeMutableRawPointer(bitPattern: callData))
            }
            for id in duties.closing {
                guard let callData = self.calls.withCall(id, { $0.callData }) else { continue }
                unsafe worker.pointee.on_close?(worker, id, UnsafeMutableRawPointer(bitPattern: callData))
                self.calls.close(id)
                self.deadlines.forget(id)
            }
        }
    }

    // MARK: Ending

    /// Cancels every call and destroys the worker when the library has ended them all.
    func endCalls(_ reason: String) {
        guard !self.isStopping, let worker = unsafe self.worker else { return }
        self.isStopping = true
        for id in self.calls.ids {
            self.cancelCall(id, CallFailure(.unavailable, reason))
        }
        unsafe worker.pointee.stop?(worker)
        self.loop.perform { [weak self] in self?.assumeIsolated { $0.performDuties() } }
    }

    private func destroyWhenIdle() {
        guard let worker = unsafe self.worker, self.calls.openCount == 0 else { return }
        unsafe self.worker = nil
        unsafe worker.pointee.destroy?(worker)
        self.deadlines.close()
        self.onStopped()
    }
}

/// Lets the functions of a library reach the session that is made after them.
private final class LibraryDuty: Sendable {
    // Safety: written once on the loop before the library can end a call, and read on the loop.
    nonisolated(unsafe) weak var session: LibrarySession?

    func run() {
        guard let session = unsafe self.session else { return }
        session.assumeIsolated { $0.performDuties() }
    }
}
