/// Why the bytes of a call were refused. Its blast radius is the stream: reset it.
package enum CallFrameError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of a frame is not one that this end may receive, or not now.
    case unexpectedFrame(kind: UInt8)
    /// The length of a frame is over the bound of its kind, in bytes.
    case frameTooLong(kind: UInt8, byteCount: UInt64)
    /// The length of a frame is not a minimal varint.
    case malformedLength
    /// The stream finished before the last frame: the call was cut off.
    case cutOff
    /// The payload of a status frame is not one.
    case malformedStatus
    /// The header breaks a bound; the text says which. A host answers ``CallStatus/invalidArgument``.
    case malformedHeader(String)

    package var description: String {
        switch self {
        case .unexpectedFrame(let kind): "a frame of kind \(kind) came where none may"
        case .frameTooLong(let kind, let byteCount): "a frame of kind \(kind) claims \(byteCount) bytes"
        case .malformedLength: "the length of a frame is malformed"
        case .cutOff: "the call was cut off before its end"
        case .malformedStatus: "the status of the call is malformed"
        case .malformedHeader(let reason): "the header of the call is malformed: \(reason)"
        }
    }
}
