/// Why bytes or text from outside were refused. Nothing was allocated in proportion to what the sender claimed.
package enum WireError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The input ended before the value did.
    case truncated(neededByteCount: Int, availableByteCount: Int)
    /// The value ended before the input did.
    case trailingBytes(byteCount: Int)
    /// A varint has an encoding that is shorter (multiformats/unsigned-varint, "minimal").
    case varintNotMinimal
    /// A varint has more than ``Varint/maximumByteCount`` bytes.
    case varintTooLong
    /// A length, count or size is over the bound of the place where it stands.
    case overLimit(value: UInt64, limit: Int)
    /// The format is understood and the content is not what it allows; the text says which part.
    case malformed(String)
    /// The format itself is not one that is understood; the text names it.
    case unsupported(String)

    package var description: String {
        switch self {
        case .truncated(let needed, let available):
            "the input is cut off: \(needed) bytes are needed and \(available) are left"
        case .trailingBytes(let byteCount): "\(byteCount) bytes follow the end of the value"
        case .varintNotMinimal: "a varint is not in its shortest form"
        case .varintTooLong: "a varint is longer than \(Varint.maximumByteCount) bytes"
        case .overLimit(let value, let limit): "\(value) is over the limit of \(limit)"
        case .malformed(let reason): reason
        case .unsupported(let what): "\(what) is not supported"
        }
    }
}
