/// A stream on which no protocol is agreed yet.
struct StreamNegotiation: Sendable {
    enum Side: Sendable {
        case proposing(MultistreamDialer)
        case answering(MultistreamListener)
    }

    var side: Side
    let deadlineMilliseconds: UInt64
    /// What the application wrote before one of several proposals was agreed on. With one proposal nothing is held.
    var held = ByteQueue()
    var isHolding: Bool
    var isFinishHeld = false
    var isWriterWaiting = false
}
