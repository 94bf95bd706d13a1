/// Why what a peer said about itself was refused. The stream is reset; the connection lives on.
package enum IdentifyFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(String)
    case messageTooLong(limitBytes: Int)
    case tooManyMessages(limit: Int)
    case tooManyProtocols(limit: Int)
    case tooManyAddresses(limit: Int)
    /// The stream ended inside a message or before the first.
    case incomplete

    package var description: String {
        switch self {
        case .malformed(let reason): "the peer's identify message is malformed: \(reason)"
        case .messageTooLong(let limit): "an identify message of the peer is longer than \(limit) bytes"
        case .tooManyMessages(let limit): "the peer sent more than \(limit) identify messages on one stream"
        case .tooManyProtocols(let limit): "the peer names more than \(limit) protocols"
        case .tooManyAddresses(let limit): "the peer names more than \(limit) addresses"
        case .incomplete: "the peer's identify message is cut off"
        }
    }
}
