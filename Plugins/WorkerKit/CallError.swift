/// How a call ends when it does not end well. Throw it from a handler; the caller sees the code and the message.
public struct CallError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure it is. The numbers are those of the mesh.
    public enum Code: UInt16, Sendable, Hashable, CaseIterable {
        /// The caller gave up.
        case cancelled = 1
        /// The worker ran and failed.
        case failed = 2
        /// The input is wrong; sending it again will not help.
        case invalidArgument = 3
        /// The time was used up.
        case deadlineExceeded = 4
        /// What the input names does not exist.
        case notFound = 5
        /// The caller may not do this.
        case refused = 7
        /// A limit was reached; later may work.
        case resourceExhausted = 8
        /// The worker has no such method.
        case noSuchMethod = 12
        /// The worker broke its own contract.
        case `internal` = 13
        /// The worker cannot serve now.
        case unavailable = 14
    }

    /// What kind of failure it is.
    public var code: Code
    /// For people: what happened and what to do. At most 1,024 bytes reach the caller.
    public var message: String
    /// Whether nothing was done, so that another host may be tried.
    public var mayRetryElsewhere: Bool

    /// A failure with a code and a text for people.
    public init(_ code: Code, _ message: String, mayRetryElsewhere: Bool = false) {
        self.code = code
        self.message = message
        self.mayRetryElsewhere = mayRetryElsewhere
    }

    /// The code and the message.
    public var description: String { "\(self.code): \(self.message)" }
}
