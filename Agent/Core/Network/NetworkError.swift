/// Why the network did not do what was asked.
package enum NetworkError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No connection could be had; the text says why.
    case unreachable(String)
    /// The peer does not speak the protocol.
    case protocolRefused
    /// The stream, or its connection, ended.
    case closed(String)
    /// It took too long.
    case timedOut
    /// A record was not valid, or older than the one that is known; the text says which.
    case refusedRecord(String)
    /// What the peer sent breaks a bound or is malformed.
    case malformed(String)
    /// A bound of this agent's own.
    case exhausted(String)

    package var description: String {
        switch self {
        case .unreachable(let reason): "the peer cannot be reached: \(reason)"
        case .protocolRefused: "the peer does not speak the protocol; it may run another version"
        case .closed(let reason): "the connection ended: \(reason)"
        case .timedOut: "the peer did not answer in time"
        case .refusedRecord(let reason): "the record was refused: \(reason)"
        case .malformed(let reason): "the peer's answer is malformed: \(reason)"
        case .exhausted(let reason): reason
        }
    }
}
