/// One call, seen from the caller; the same whether the worker runs in this process, in a subprocess or on another
/// Xnode.
///
/// Messages keep their boundaries and their order in each direction. The two directions are independent: a worker may
/// answer before the caller has finished sending. One task may send while another receives; neither method may be
/// called by two tasks at once.
package protocol CallExchange: AnyObject, Sendable {
    /// Sends one message and returns when the next one may be sent: this is the back-pressure of a slow worker.
    ///
    /// - Parameter message: at most ``CallLimits/messageBytes`` bytes; may be empty.
    /// - Throws: how the call ended when it ended early. A worker that answered without wanting the rest of the input
    ///   is no failure: the message is dropped and this returns.
    func send(_ message: [UInt8]) async throws(CallFailure)

    /// States that no further message follows. Sending after it is a programming error and traps.
    func finishSending() async throws(CallFailure)

    /// The worker's next message.
    ///
    /// - Returns: nil after the last message of a call that ended with ``CallStatus/ok``.
    /// - Throws: how the call ended otherwise, after all messages that came before the end.
    func receive() async throws(CallFailure) -> [UInt8]?

    /// Ends the call now: both directions stop, what waits throws ``CallStatus/cancelled``, the worker is told.
    /// Does nothing to a call that has ended. From any thread.
    func cancel()
}
