import DequeModule
import Libp2p
import Libuv
import Synchronization

/// Names one waiting read, so that the task that waits can take it back.
final class StreamTicket: Sendable {
    let isCancelled = Atomic<Bool>(false)
}

/// Bytes of one write that wait for room. Safety: used on the loop's thread only.
final class StreamWriter: @unchecked Sendable {
    fileprivate(set) var rest: ArraySlice<UInt8>
    private var result: StreamCore.WriteResult?
    private var continuation: LoopContinuation<StreamCore.WriteResult>?

    init(_ bytes: ArraySlice<UInt8>) { self.rest = bytes }

    var isSettled: Bool { self.result != nil }

    func settle(_ result: StreamCore.WriteResult) {
        guard self.result == nil else { return }
        self.result = result
        self.continuation?.resume(returning: result)
        self.continuation = nil
    }

    func wait(_ continuation: LoopContinuation<StreamCore.WriteResult>) {
        if let result = self.result {
            continuation.resume(returning: result)
        } else {
            self.continuation = continuation
        }
    }
}

/// What a stream is, behind the ``PeerStream`` that users hold.
///
/// Safety: used on the loop's thread only.
final class StreamCore: @unchecked Sendable {
    typealias ReadResult = Result<[UInt8]?, StreamError>
    typealias WriteResult = Result<Void, StreamError>
    typealias Agreement = Result<String, StreamError>

    let id: StreamID
    let connection: PeerConnection
    /// Received and not yet read.
    private(set) var inbox = ByteQueue()
    private(set) var isRemoteFinished = false
    private(set) var failure: StreamError?
    private var read: (ticket: StreamTicket, request: StreamRead, continuation: LoopContinuation<ReadResult>)?
    private var writers: Deque<StreamWriter> = []
    private var isFinishRequested = false
    private var agreement: Agreement?
    private var agreementWaiter: LoopContinuation<Agreement>?
    /// Bytes that may still be dropped because nobody reads; nil while somebody does.
    private var discardBudget: Int?
    /// Called once, when the stream is over on both sides.
    var onEnd: (() -> Void)?

    init(id: StreamID, connection: PeerConnection) {
        self.id = id
        self.connection = connection
    }

    var loop: EventLoop { self.connection.loop }

    // MARK: What the connection tells

    func received(_ bytes: ArraySlice<UInt8>) {
        if let budget = self.discardBudget {
            guard budget >= bytes.count else { return self.reset() }
            self.discardBudget = budget - bytes.count
            self.consumed(bytes.count)
            return
        }
        self.inbox.append(bytes)
        self.continueReading()
    }

    func remoteFinished() {
        self.isRemoteFinished = true
        self.continueReading()
        self.endIfOver()
    }

    func becameWritable() {
        while let writer = self.writers.first {
            let taken = self.connection.machine.write(writer.rest, to: self.id)
            writer.rest = writer.rest.dropFirst(taken)
            guard writer.rest.isEmpty else { break }
            self.writers.removeFirst()
            writer.settle(.success(()))
        }
        self.finishIfDue()
        self.connection.scheduleFlush()
    }

    func agreed(on protocolID: String) { self.settleAgreement(.success(protocolID)) }

    /// The stream is over: whoever waits gets the reason. What was received before can still be read.
    func fail(_ error: StreamError) {
        guard self.failure == nil else { return }
        self.failure = error
        self.settleAgreement(.failure(error))
        self.continueReading()
        let writers = self.writers
        self.writers = []
        for writer in writers { writer.settle(.failure(error)) }
        self.ended()
    }

    // MARK: Reading

    /// Serves a read at once if it can be.
    func readNow(_ request: inout StreamRead) -> ReadResult? {
        precondition(self.read == nil, "a stream has one reader at a time")
        return self.advance(&request)
    }

    func beginRead(
        _ request: StreamRead, _ ticket: StreamTicket, _ continuation: LoopContinuation<ReadResult>
    ) {
        precondition(self.read == nil, "a stream has one reader at a time")
        var request = request
        if let result = self.advance(&request) { return continuation.resume(returning: result) }
        guard !ticket.isCancelled.load(ordering: .relaxed) else {
            return continuation.resume(returning: .failure(.cancelled))
        }
        self.read = (ticket, request, continuation)
    }

    func cancelRead(_ ticket: StreamTicket) {
        guard let read = self.read, read.ticket === ticket else { return }
        self.read = nil
        read.continuation.resume(returning: .failure(.cancelled))
    }

    private func continueReading() {
        guard var read = self.read else { return }
        self.read = nil  // So that what was gathered is changed in place.
        if let result = self.advance(&read.request) {
            read.continuation.resume(returning: result)
        } else {
            self.read = read
        }
    }

    private func advance(_ request: inout StreamRead) -> ReadResult? {
        let before = self.inbox.count
        let result = request.advance(from: &self.inbox, isEnded: self.isRemoteFinished, failure: self.failure)
        if self.inbox.count < before {
            self.consumed(before - self.inbox.count)
            self.endIfOver()
        }
        return result
    }

    private func consumed(_ byteCount: Int) {
        self.connection.machine.consumed(byteCount, on: self.id, nowMilliseconds: MonotonicClock.nowMilliseconds)
        self.connection.scheduleFlush()
    }

    // MARK: Writing

    /// Takes what there is room for now.
    ///
    /// - Returns: nil when the rest must be queued, before anything else is written.
    func writeNow(_ rest: inout ArraySlice<UInt8>) -> WriteResult? {
        if let failure = self.failure { return .failure(failure) }
        guard !self.isFinishRequested else { return .failure(.closedLocally) }
        guard self.writers.isEmpty else { return nil }
        rest = rest.dropFirst(self.connection.machine.write(rest, to: self.id))
        self.connection.scheduleFlush()
        return rest.isEmpty ? .success(()) : nil
    }

    /// Writes as soon as there is room; settles the writer.
    func write(_ writer: StreamWriter) {
        guard !writer.isSettled else { return }  // Cancelled before it began.
        if let result = self.writeNow(&writer.rest) { return writer.settle(result) }
        self.writers.append(writer)
    }

    func cancelWrite(_ writer: StreamWriter) {
        self.writers.removeAll { $0 === writer }
        writer.settle(.failure(.cancelled))
        self.finishIfDue()
    }

    func finishWriting() {
        guard !self.isFinishRequested, self.failure == nil else { return }
        self.isFinishRequested = true
        self.finishIfDue()
    }

    private func finishIfDue() {
        guard self.isFinishRequested, self.writers.isEmpty else { return }
        self.connection.machine.finish(self.id)
        self.connection.scheduleFlush()
        self.endIfOver()
    }

    // MARK: Ending

    func reset() {
        guard self.failure == nil, self.connection.streams.removeValue(forKey: self.id) != nil else { return }
        self.connection.machine.reset(self.id)
        self.connection.scheduleFlush()
        self.fail(.closedLocally)
    }

    /// Finishes, and drops what still comes until the peer finishes too.
    func finishAndDiscard(upTo byteCount: Int) {
        self.finishWriting()
        guard self.failure == nil, self.discardBudget == nil else { return }
        self.discardBudget = byteCount
        let waiting = self.inbox.count
        self.inbox.removeAll()
        if waiting > 0 { self.consumed(waiting) }
        self.endIfOver()
    }

    /// The user let go of the stream.
    func dropped() {
        if !(self.isFinishRequested && self.isRemoteFinished), self.discardBudget == nil { self.reset() }
    }

    /// Both sides are finished and everything was read: the machine has forgotten the stream, so do we.
    private func endIfOver() {
        guard self.isFinishRequested, self.writers.isEmpty, self.isRemoteFinished, self.inbox.isEmpty else { return }
        self.connection.streams[self.id] = nil
        self.ended()
    }

    private func ended() {
        let onEnd = self.onEnd
        self.onEnd = nil
        onEnd?()
    }

    // MARK: Agreeing on a protocol

    func awaitAgreement(_ continuation: LoopContinuation<Agreement>) {
        if let agreement = self.agreement {
            continuation.resume(returning: agreement)
        } else {
            self.agreementWaiter = continuation
        }
    }

    private func settleAgreement(_ result: Agreement) {
        guard self.agreement == nil else { return }
        self.agreement = result
        self.agreementWaiter?.resume(returning: result)
        self.agreementWaiter = nil
    }
}
