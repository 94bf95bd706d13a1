/// How a call ended (Specs/call.md, section 5). The numbers are those of gRPC where gRPC has the meaning.
package enum CallStatus: UInt32, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case ok = 0
    case cancelled = 1
    /// The worker ran and said that it failed; the message is the worker's own.
    case failed = 2
    case invalidArgument = 3
    case deadlineExceeded = 4
    /// No such worker here. Also the answer to whoever may not know that a private worker exists.
    case notFound = 5
    /// The worker exists and the caller may know so, but may not call it, or not in this way.
    case refused = 7
    case resourceExhausted = 8
    case noSuchMethod = 12
    /// The host or the worker broke its own contract.
    case `internal` = 13
    /// The worker or its host cannot take the call now: it is starting, stopping, overloaded or gone.
    case unavailable = 14

    /// The stable code that people and programs see, in lower camel case.
    package var description: String {
        switch self {
        case .ok: "ok"
        case .cancelled: "cancelled"
        case .failed: "failed"
        case .invalidArgument: "invalidArgument"
        case .deadlineExceeded: "deadlineExceeded"
        case .notFound: "notFound"
        case .refused: "refused"
        case .resourceExhausted: "resourceExhausted"
        case .noSuchMethod: "noSuchMethod"
        case .internal: "internal"
        case .unavailable: "unavailable"
        }
    }
}
