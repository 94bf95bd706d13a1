/// Why a signed record counts for nothing. Its blast radius is the record.
package enum RecordRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// Longer than its kind allows, in bytes.
    case tooLong(byteCount: Int, limit: Int)
    /// Not an envelope, or its signature is not valid for this kind of record.
    case notSigned(String)
    /// Signed by another key than the one it speaks for.
    case wrongSigner
    /// A field breaks its bound; the text says which.
    case malformed(String)
    /// Issued more than ``RecordTime/toleranceMilliseconds`` ahead of our clock.
    case notYetValid
    case expired
    /// From issue to expiry is more than its kind allows, or nothing.
    case lifetime

    package var description: String {
        switch self {
        case .tooLong(let byteCount, let limit): "the record has \(byteCount) bytes, more than \(limit)"
        case .notSigned(let reason): "the record is not validly signed: \(reason)"
        case .wrongSigner: "the record is signed by a key that it does not speak for"
        case .malformed(let reason): "the record is malformed: \(reason)"
        case .notYetValid: "the record was issued in the future; check the clocks of both machines"
        case .expired: "the record has expired"
        case .lifetime: "the record is valid for longer than its kind allows, or for no time at all"
        }
    }
}
