package import Cryptography
import Wire

/// The public key of a peer, of any kind that libp2p has (libp2p specs, peer-ids/peer-ids.md).
///
/// Two encodings of one key are equal: what was received is decoded, checked and encoded again, so that no peer has two
/// ids.
package struct PublicKey: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case rsa, ed25519, secp256k1, ecdsa }

    /// The longest encoding that is decoded, in bytes: an RSA key of 8192 bits.
    package static let maximumByteCount = RSA.maximumKeyByteCount + 8

    /// What stands before the 32 bytes of an Ed25519 key in its canonical encoding.
    static let ed25519Prefix: [UInt8] = [0x08, 0x01, 0x12, 0x20]

    package let kind: Kind
    /// 32 bytes for Ed25519, a compressed point for secp256k1, else SubjectPublicKeyInfo in DER.
    package let data: [UInt8]

    /// The key of an Ed25519 signer.
    ///
    /// - Throws: ``KeyError/wrongKeyLength(byteCount:expectedByteCount:)``.
    package init(ed25519 data: [UInt8]) throws(KeyError) { try self.init(.ed25519, data: data) }

    /// Checks a key, which must be in its canonical form.
    ///
    /// - Throws: a ``KeyError`` for a key that is malformed or of a refused size or curve.
    package init(_ kind: Kind, data: [UInt8]) throws(KeyError) {
        self.kind = kind
        switch kind {
        case .rsa: try RSA.validate(subjectPublicKeyInfo: data)
        case .ecdsa: try P256.validate(subjectPublicKeyInfo: data)
        case .secp256k1: try Secp256k1.validate(publicKey: data)
        case .ed25519:
            guard data.count == Ed25519.publicKeyByteCount else {
                throw .wrongKeyLength(byteCount: data.count, expectedByteCount: Ed25519.publicKeyByteCount)
            }
        }
        self.data = data
    }

    private init(checkedEd25519 data: [UInt8]) {
        self.kind = .ed25519
        self.data = data
    }

    /// Decodes a key. Fields in another order and unknown ones are tolerated, as go-libp2p does.
    ///
    /// - Throws: ``IdentityError/malformed(_:)`` or ``IdentityError/key(_:)``.
    package init(protobuf bytes: [UInt8]) throws(IdentityError) {
        // Nearly every key has this form; only the others need the decoder.
        if bytes.count == 36, bytes.starts(with: Self.ed25519Prefix) {
            self.init(checkedEd25519: Array(bytes[4...]))
            return
        }
        let message: PublicKeyMessage
        do { message = try decode(PublicKeyMessage.self, bytes, limit: Self.maximumByteCount) } catch {
            throw .malformed(error)
        }
        do { try self.init(Kind(message.type), data: Array(message.data)) } catch { throw .key(error) }
    }

    /// The canonical encoding: both fields, in order, nothing else.
    package var protobuf: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.data.count + 6)
        bytes += [0x08, UInt8(truncatingIfNeeded: self.kind.code.rawValue), 0x12]
        bytes.appendLengthPrefixed(self.data)
        return bytes
    }

    /// The id of the key's owner.
    package var peerID: PeerID { PeerID(self) }

    /// True when the key's owner signed `message`.
    package func isValidSignature(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        switch self.kind {
        case .ed25519: Ed25519.isValid(signature: signature, for: message, publicKey: self.data)
        case .rsa: RSA.isValid(signature: signature, for: message, subjectPublicKeyInfo: self.data)
        case .ecdsa: P256.isValid(signature: signature, for: message, subjectPublicKeyInfo: self.data)
        case .secp256k1: Secp256k1.isValid(signature: signature, for: message, publicKey: self.data)
        }
    }
}

extension PublicKey.Kind {
    init(_ code: KeyTypeCode) {
        self =
            switch code {
            case .rsa: .rsa
            case .ed25519: .ed25519
            case .secp256K1: .secp256k1
            case .ecdsa: .ecdsa
            }
    }

    var code: KeyTypeCode {
        switch self {
        case .rsa: .rsa
        case .ed25519: .ed25519
        case .secp256k1: .secp256K1
        case .ecdsa: .ecdsa
        }
    }
}
