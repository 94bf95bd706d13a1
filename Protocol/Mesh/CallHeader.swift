package import Identity

/// What a caller says before its first message (Specs/call.md, section 3).
package struct CallHeader: Sendable, Hashable {
    package var worker: WorkerName
    /// 1 to ``CallLimits/methodBytes`` bytes, of `[A-Za-z0-9._/-]`.
    package var method: String
    /// Milliseconds from the arrival of the header until the call is ended with
    /// ``CallStatus/deadlineExceeded``; 0 means that the caller set none. Relative, so that clocks need not agree.
    package var deadlineMilliseconds: UInt32
    /// 1 for the first attempt, then one more for each host tried.
    package var attempt: UInt32
    /// Equal for all attempts of one call, empty when the call must not be repeated;
    /// at most ``CallLimits/idempotencyKeyBytes`` bytes.
    package var idempotencyKey: [UInt8]
    /// The W3C trace context of the caller, or empty; at most ``CallLimits/traceParentBytes`` bytes.
    package var traceParent: String
    /// Proof of membership for a private worker, else empty (Specs/private-workers.md, section 5).
    package var proof: [UInt8]
    /// Who calls, as the secure channel authenticated it; nil for a caller in the same agent. Never on the wire.
    package var caller: PeerID?

    package init(
        worker: WorkerName, method: String, deadlineMilliseconds: UInt32 = 0, attempt: UInt32 = 1,
        idempotencyKey: [UInt8] = [], traceParent: String = "", proof: [UInt8] = [], caller: PeerID? = nil
    ) {
        self.worker = worker
        self.method = method
        self.deadlineMilliseconds = deadlineMilliseconds
        self.attempt = attempt
        self.idempotencyKey = idempotencyKey
        self.traceParent = traceParent
        self.proof = proof
        self.caller = caller
    }
}
