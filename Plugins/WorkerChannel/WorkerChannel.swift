/// One end of a worker channel, without I/O (Specs/worker-channel.md).
///
/// Bytes from the socket go into ``receive(_:into:)`` and come out as events; commands (`open`, `send`, ...) append
/// frames to ``output``, which the shell writes to the socket. Both ends are this type, so that one can be tested
/// against the other. Commands trap when the caller breaks the protocol's rules; what the other end does never traps.
package struct WorkerChannel: Sendable {
    package enum Role: Sendable { case host, worker }

    /// What the other end did.
    package enum Event: Sendable, Hashable {
        /// The hellos were exchanged and agree; the value is the other end's.
        case connected(ChannelHello)
        /// Host: the worker takes calls from now on.
        case ready
        /// Worker: a call begins.
        case opened(call: UInt32, ChannelOpening)
        case message(call: UInt32, [UInt8])
        /// Worker: no message follows in this call.
        case inputFinished(call: UInt32)
        /// Host: the call is over and its id is free.
        case ended(call: UInt32, ChannelEnd)
        /// Worker: the host wants the call to end. Answer with `end`.
        case cancelled(call: UInt32, code: UInt16)
        /// Messages may be sent in this call again.
        case writable(call: UInt32)
        /// The other end answered the last ping.
        case ponged
        /// Worker: finish the calls in progress, then leave.
        case stopping
    }

    /// How far the channel has come.
    package enum Phase: Sendable, Hashable {
        /// Host: the hello is sent. Worker: waits for the host's.
        case greeting
        /// The hellos are exchanged; the worker is not ready.
        case connected
        case ready
        /// STOP was sent or received: no call begins any more.
        case stopping
    }

    struct Call: Sendable {
        var sendBalance: Int
        /// The sender's balance as this end knows it.
        var receiveBalance: Int
        /// Bytes that the consumer has taken and that no CREDIT returned yet.
        var taken = 0
        /// Host: the host finished its input. Worker: the host's FINISH arrived.
        var isInputFinished = false
        var isCancelled = false
        /// A producer was told to wait, so that `writable` is owed.
        var owesWritable = false
    }

    package let role: Role
    package internal(set) var phase = Phase.greeting
    /// Frames to be written to the socket, in order.
    package internal(set) var output: [UInt8] = []
    /// The most calls at once: the smaller of both ends' numbers once the hellos are exchanged.
    package internal(set) var callLimit: Int
    /// The other end's hello, once it came.
    package internal(set) var peer: ChannelHello?
    let own: ChannelHello
    var decoder = ChannelFrameDecoder()
    var calls: [UInt32: Call] = [:]
    private var nextCall: UInt32 = 1
    var unansweredPing: UInt64?
    /// Host: READY came. Apart from `phase`, since a STOP may be sent before it.
    var isWorkerReady = false

    /// A channel at its beginning. A host's hello is in ``output`` at once.
    ///
    /// - Parameters:
    ///   - role: which end this is.
    ///   - hello: this end's windows and limits, within ``ChannelLimits``.
    package init(role: Role, hello: ChannelHello) {
        precondition(ChannelLimits.windowBytes.contains(Int(hello.windowBytes)), "window out of range")
        precondition(ChannelLimits.calls.contains(Int(hello.calls)), "calls out of range")
        self.role = role
        self.own = hello
        self.callLimit = Int(hello.calls)
        if role == .host { ChannelFrame.hello(hello).encode(into: &self.output) }
    }

    /// The number of calls in progress, cancelled ones whose end has not come included.
    package var callCount: Int { self.calls.count }

    /// Whether `open` would succeed now.
    package var canOpen: Bool { self.phase == .ready && self.calls.count < self.callLimit }

    /// Hands over ``output`` and empties it.
    package mutating func takeOutput() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &self.output)
        return taken
    }

    // MARK: Commands of the host

    /// Begins a call. Only when ``canOpen``.
    ///
    /// - Returns: the id of the call, in use until its `ended` event.
    package mutating func open(_ opening: ChannelOpening) -> UInt32 {
        precondition(self.role == .host && self.canOpen, "no call may be opened now")
        while self.nextCall == 0 || self.calls[self.nextCall] != nil { self.nextCall &+= 1 }
        let call = self.nextCall
        self.nextCall &+= 1
        self.calls[call] = self.newCall()
        ChannelFrame.open(call: call, opening).encode(into: &self.output)
        return call
    }

    /// States that the call has no further input. Ignored for a call that ended.
    package mutating func finish(_ call: UInt32) {
        precondition(self.role == .host, "only a host finishes the input")
        guard let state = self.calls[call], !state.isInputFinished, !state.isCancelled else { return }
        self.calls[call]?.isInputFinished = true
        ChannelFrame.finish(call: call).encode(into: &self.output)
    }

    /// Asks the worker to end the call; its messages are dropped from now on. Ignored for a call that ended.
    package mutating func cancel(_ call: UInt32, code: UInt16) {
        precondition(self.role == .host, "only a host cancels")
        guard let state = self.calls[call], !state.isCancelled else { return }
        self.calls[call]?.isCancelled = true
        self.calls[call]?.owesWritable = false
        ChannelFrame.cancel(call: call, code: code).encode(into: &self.output)
    }

    /// Asks the worker to finish its calls and leave.
    package mutating func stop() {
        precondition(self.role == .host, "only a host stops a worker")
        guard self.phase != .stopping else { return }
        self.phase = .stopping
        ChannelFrame.stop.encode(into: &self.output)
    }

    // MARK: Commands of the worker

    /// States that the worker takes calls. Once, after `connected`.
    package mutating func becomeReady() {
        precondition(self.role == .worker && self.peer != nil, "a worker is ready after the hellos")
        guard self.phase == .connected else { return }
        self.phase = .ready
        ChannelFrame.ready.encode(into: &self.output)
    }

    /// Ends a call. Ignored for a call that ended.
    package mutating func end(_ call: UInt32, _ end: ChannelEnd) {
        precondition(self.role == .worker, "only a worker ends a call")
        guard self.calls.removeValue(forKey: call) != nil else { return }
        ChannelFrame.end(call: call, end).encode(into: &self.output)
    }

    // MARK: Commands of both

    /// Whether a message may be sent in the call now. When not, a `writable` event follows, or the call's end.
    package mutating func canSend(_ call: UInt32) -> Bool {
        guard let state = self.calls[call], !state.isCancelled else { return false }
        if state.sendBalance > 0 { return true }
        self.calls[call]?.owesWritable = true
        return false
    }

    /// Sends a message. Only when `canSend`; ignored for a call that ended or was cancelled.
    ///
    /// - Parameters:
    ///   - message: at most ``ChannelLimits/messageBytes`` bytes.
    ///   - call: the call's id.
    package mutating func send(_ message: [UInt8], in call: UInt32) {
        precondition(message.count <= ChannelLimits.messageBytes, "a message has \(message.count) bytes")
        guard let state = self.calls[call], !state.isCancelled else { return }
        precondition(state.sendBalance > 0, "the call has no credit: ask `canSend` first")
        precondition(self.role == .worker || !state.isInputFinished, "the input of the call is finished")
        self.calls[call]?.sendBalance -= message.count + ChannelLimits.messageOverheadBytes
        ChannelFrame.encodeMessage(message, call: call, into: &self.output)
    }

    /// States that the consumer took a message of the call, so that the other end may send more.
    package mutating func consumed(_ byteCount: Int, in call: UInt32) {
        guard var state = self.calls[call], !state.isCancelled else { return }
        state.taken += byteCount + ChannelLimits.messageOverheadBytes
        let inputIsOver = self.role == .worker && state.isInputFinished
        if !inputIsOver, state.taken >= Int(self.own.windowBytes) / 2 {
            ChannelFrame.credit(call: call, byteCount: UInt32(state.taken)).encode(into: &self.output)
            state.receiveBalance += state.taken
            state.taken = 0
        }
        self.calls[call] = state
    }

    /// Asks the other end for a sign of life, unless it still owes one.
    ///
    /// - Returns: false when the last ping is unanswered.
    package mutating func ping(_ token: UInt64) -> Bool {
        guard self.unansweredPing == nil else { return false }
        self.unansweredPing = token
        ChannelFrame.ping(token).encode(into: &self.output)
        return true
    }

    func newCall() -> Call {
        Call(sendBalance: Int(self.peer?.windowBytes ?? 0), receiveBalance: Int(self.own.windowBytes))
    }
}
