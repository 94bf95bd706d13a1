import SwiftProtobuf
import Wire

/// Why a subscription or its terms count for nothing.
package enum MarketError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A field breaks its bound; the text says which.
    case malformed(String)
    /// Longer than allowed, in bytes.
    case tooLong(byteCount: Int, limit: Int)
    /// Not an envelope, or its signature is not valid for this kind of record.
    case notSigned(String)
    /// Signed by another key than the one it speaks for.
    case wrongSigner
    /// Made by a newer agent.
    case unknownVersion(UInt32)
    /// Does not follow from the record it would replace; the text says why.
    case cannotReplace(String)

    package var description: String {
        switch self {
        case .malformed(let reason): "the subscription is malformed: \(reason)"
        case .tooLong(let byteCount, let limit): "the subscription has \(byteCount) bytes, more than \(limit)"
        case .notSigned(let reason): "the subscription is not validly signed: \(reason)"
        case .wrongSigner: "the subscription is signed by a key that it does not speak for"
        case .unknownVersion(let version):
            "the subscription has version \(version), which this agent does not know; upgrade the agent"
        case .cannotReplace(let reason): "the subscription cannot replace the one that is kept: \(reason)"
        }
    }
}

/// Decodes a message of the market.
func decodeMarket<Decoded: Message>(
    _ type: Decoded.Type, _ payload: [UInt8], limit: Int
) throws(MarketError) -> Decoded {
    do throws(WireError) {
        return try decode(type, payload, limit: limit)
    } catch {
        throw .malformed(error.description)
    }
}
