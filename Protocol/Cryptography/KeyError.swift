/// Why a key could not be used. The text is for the operator: what happened, then what to do.
package enum KeyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The seed of a private key has another length than 32 bytes.
    case wrongSeedLength(byteCount: Int)
    /// A key in binary form has another length than its kind has.
    case wrongKeyLength(byteCount: Int, expectedByteCount: Int)
    /// The other side's X25519 point leads to the all-zero secret (RFC 7748, section 6.1).
    case smallOrderPoint
    /// A public key is malformed, not on its curve or not in canonical form.
    case invalidPublicKey
    /// An RSA key is shorter or longer than what is accepted.
    case rsaModulusOutOfRange(bitCount: Int)
    /// OpenSSL refused; the code is the first of its error queue.
    case openSSL(code: UInt)

    package var description: String {
        switch self {
        case .wrongSeedLength(let byteCount):
            "the seed has \(byteCount) bytes, not 32; restore identity.key or run `dsmp id new`"
        case .wrongKeyLength(let byteCount, let expectedByteCount):
            "the key has \(byteCount) bytes, not \(expectedByteCount); it is cut off or of another kind"
        case .smallOrderPoint: "the other side's key agreement point gives a secret that everybody knows; refuse it"
        case .invalidPublicKey: "the public key is malformed; ask its owner to export it again"
        case .rsaModulusOutOfRange(let bitCount):
            "the RSA key has \(bitCount) bits; only 2048 to 8192 are accepted, and Ed25519 is better"
        case .openSSL(let code):
            "OpenSSL error 0x\(String(code, radix: 16)); run `openssl errstr` with it to see the reason"
        }
    }
}
