/// The bounds of one call (Specs/call.md, section 6). Both ends enforce all of them.
package enum CallLimits {
    /// The longest encoded call header, in bytes.
    package static let headerBytes = 4_096
    /// The longest encoded status, in bytes.
    package static let statusBytes = 2_048
    /// The longest message, in bytes. A larger input is several messages.
    package static let messageBytes = 1_048_576
    /// The longest method name, in bytes.
    package static let methodBytes = 64
    /// The longest idempotency key, in bytes.
    package static let idempotencyKeyBytes = 64
    /// The longest W3C `traceparent`, in bytes.
    package static let traceParentBytes = 64
    /// The longest proof that a caller may call a private worker, in bytes.
    package static let proofBytes = 512
    /// The longest text of a failure, in bytes of UTF-8. A longer one is cut at a character's end.
    package static let failureMessageBytes = 1_024
    /// The longest relative deadline that a host honours, in milliseconds (24 hours). A longer one counts as this.
    package static let deadlineMilliseconds: UInt32 = 86_400_000
    /// The highest attempt number that a caller may state.
    package static let attempts: UInt32 = 16
}
