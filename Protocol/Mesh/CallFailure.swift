/// Why a call did not end well. Its blast radius is this one call.
package struct CallFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// Never ``CallStatus/ok``.
    package let code: CallStatus
    /// For people: what happened, then what to do. At most ``CallLimits/failureMessageBytes`` bytes of UTF-8.
    package let message: String
    /// Whether the same call may be tried on another host: true only when this host did not hand the call to a worker,
    /// or when the caller marked the call idempotent and the host is gone.
    package let mayRetryElsewhere: Bool
    /// How long to leave this host alone before another attempt, in milliseconds; 0 when the host gave no hint.
    package let retryAfterMilliseconds: UInt32

    package init(
        _ code: CallStatus, _ message: String, mayRetryElsewhere: Bool = false, retryAfterMilliseconds: UInt32 = 0
    ) {
        self.code = code == .ok ? .internal : code
        self.message = message
        self.mayRetryElsewhere = mayRetryElsewhere
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    package var description: String { "\(self.code): \(self.message)" }
}
