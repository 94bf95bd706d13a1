/// What the other end of a worker channel did wrong. Its blast radius is the whole channel: close the socket, fail the
/// calls in progress, and (for a host) restart the worker.
package enum ChannelViolation: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownType(UInt8)
    case unknownFlags(type: UInt8, flags: UInt8)
    case wrongCall(type: UInt8, call: UInt32)
    case wrongLength(type: UInt8, byteCount: Int)
    case wrongMagic
    case noSharedVersion(lowest: UInt16, highest: UInt16)
    case outOfRange(field: String, value: Int)
    case malformedFields
    case wrongMethod
    case unexpected(type: UInt8, reason: String)
    case unknownCall(type: UInt8, call: UInt32)
    case tooManyCalls(limit: Int)
    case creditExceeded(call: UInt32)
    case creditOverflow(call: UInt32)

    package var description: String {
        let text =
            switch self {
            case .unknownType(let type): "frame type \(type) does not exist"
            case .unknownFlags(let type, let flags): "frame type \(type) has the undefined flags \(flags)"
            case .wrongCall(let type, let call): "frame type \(type) cannot have the call id \(call)"
            case .wrongLength(let type, let byteCount): "frame type \(type) cannot have \(byteCount) bytes of payload"
            case .wrongMagic: "the hello does not begin with `dsmpwork`: is this a worker, and is descriptor 3 free?"
            case .noSharedVersion(let lowest, let highest):
                "it speaks the channel's versions \(lowest) to \(highest), this end speaks \(ChannelLimits.version)"
            case .outOfRange(let field, let value): "\(field) cannot be \(value)"
            case .malformedFields: "the fields of an OPEN are malformed"
            case .wrongMethod: "an OPEN has no method or a malformed one"
            case .unexpected(let type, let reason): "frame type \(type) is out of place: \(reason)"
            case .unknownCall(let type, let call): "frame type \(type) names call \(call), which is not open"
            case .tooManyCalls(let limit): "more than \(limit) calls were opened at once"
            case .creditExceeded(let call): "call \(call) was sent more than its credit allows"
            case .creditOverflow(let call): "call \(call) was given credit beyond 2^31 - 1 bytes"
            }
        return text + " (Specs/worker-channel.md)"
    }
}
