internal import COpenSSL

/// Ed25519 signatures (RFC 8032). The private side is ``SigningKey``.
package enum Ed25519 {
    /// The length of a public key, in bytes.
    package static let publicKeyByteCount = 32
    /// The length of a signature, in bytes.
    package static let signatureByteCount = 64

    /// The y coordinates of the points of order 1, 2, 4 and 8, in both encodings where there are two. With such a key
    /// anybody can make signatures, for many messages at a time; OpenSSL takes them, as RFC 8032 allows.
    private static let smallOrderCoordinates: [[UInt8]] = [
        [0x00] + [UInt8](repeating: 0, count: 31), [0x01] + [UInt8](repeating: 0, count: 31),
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
            0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
            0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
        [0xec] + [UInt8](repeating: 0xff, count: 30) + [0x7f], [0xed] + [UInt8](repeating: 0xff, count: 30) + [0x7f],
        [0xee] + [UInt8](repeating: 0xff, count: 30) + [0x7f],
    ]

    /// True for a key with which anybody can sign.
    static func hasSmallOrder(_ publicKey: [UInt8]) -> Bool {
        guard publicKey.count == self.publicKeyByteCount else { return false }
        var coordinate = publicKey
        coordinate[31] &= 0x7f  // The top bit is the sign of x.
        return self.smallOrderCoordinates.contains(coordinate)
    }

    /// True when the owner of `publicKey` signed `message` (`EVP_DigestVerify`). False for a malformed key or signature,
    /// and for a key of small order, which has no owner.
    package static func isValid(signature: RawSpan, for message: RawSpan, publicKey: RawSpan) -> Bool {
        guard signature.byteCount == self.signatureByteCount, publicKey.byteCount == self.publicKeyByteCount,
            !self.hasSmallOrder(unsafe publicKey.withUnsafeBytes { unsafe Array($0) }),
            let key = try? KeyHandle(kind: EVP_PKEY_ED25519, publicKey: publicKey)
        else { return false }
        return unsafe key.isValid(signature: signature, for: message, digest: nil)
    }

    /// True when the owner of `publicKey` signed `message`. False for a malformed key or signature.
    package static func isValid(signature: [UInt8], for message: [UInt8], publicKey: [UInt8]) -> Bool {
        unsafe self.isValid(signature: signature.span.bytes, for: message.span.bytes, publicKey: publicKey.span.bytes)
    }
}
