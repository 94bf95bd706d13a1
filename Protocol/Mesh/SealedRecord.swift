import Cryptography
package import Identity
import SwiftProtobuf
import Wire

/// A record that only the members of a group can read, signed by a key that names no one
/// (Specs/private-workers.md, section 3).
package struct SealedRecord: Sendable, Hashable {
    /// The longest envelope, in bytes.
    package static let maximumEnvelopeBytes = 8_192
    /// The longest ciphertext with its tag, in bytes.
    package static let maximumSealedBytes = 7_200
    /// The length of a nonce, in bytes.
    package static let nonceBytes = 12
    /// The longest time until expiry, in milliseconds (7 days).
    package static let maximumLifetimeMilliseconds: UInt64 = 604_800_000
    static let domain = SigningDomain(record: "dsmp-sealed/1")

    /// To what multiple of bytes a content is padded, so that its length does not show.
    package enum SizeClass: Int, Sendable {
        case slot = 256
        case descriptor = 1_024
    }

    /// The key that signed it and thus places it.
    package let signer: PeerID
    package let sequence: UInt64
    /// Wall time, in milliseconds since 1970.
    package let expires: UInt64
    package let nonce: [UInt8]
    package let sealed: [UInt8]
    /// The bytes that were signed and travel.
    package let envelope: [UInt8]

    /// Seals and signs a content.
    ///
    /// `content` is at most 7,166 bytes. `encryptionKey` is 32 bytes. `location` is the key pair that signs the record;
    /// its peer id places it. `nonce` is ``nonceBytes`` random bytes, never used twice with one key.
    ///
    /// - Throws: ``RecordRefusal/tooLong(byteCount:limit:)`` or ``RecordRefusal/malformed(_:)``.
    package init(
        sealing content: [UInt8], sizeClass: SizeClass, encryptionKey: [UInt8], location: KeyPair, sequence: UInt64,
        expires: UInt64, nonce: [UInt8]
    ) throws(RecordRefusal) {
        let padded = Self.paddedByteCount(of: content.count, sizeClass)
        guard content.count <= Int(UInt16.max), padded + ChaChaPoly.tagByteCount <= Self.maximumSealedBytes else {
            throw .tooLong(byteCount: content.count, limit: Self.maximumSealedBytes)
        }
        guard let cipherNonce = ChaChaPoly.Nonce(bytes: nonce) else { throw .malformed("a nonce has 12 bytes") }
        guard expires < RecordTime.limitMilliseconds else { throw .lifetime }
        var plaintext: [UInt8] = []
        plaintext.reserveCapacity(padded)
        plaintext.appendBigEndian(UInt16(truncatingIfNeeded: content.count))
        plaintext += content
        plaintext += [UInt8](repeating: 0, count: padded - plaintext.count)
        var sealer = ChaChaPoly.Sealer(key: encryptionKey)
        let data = Self.associatedData(signer: location.peerID, sequence: sequence, expires: expires)
        let sealed = sealer.seal(plaintext, nonce: cipherNonce, associatedData: data)
        self.init(
            signing: sealed, by: location, sequence: sequence, expires: expires, nonce: nonce)
    }

    /// Signs bytes that nobody can open: what replaces the record of an epoch that has ended.
    ///
    /// `random` is random bytes, as many as the replaced record had sealed.
    package init(
        replacing old: SealedRecord, location: KeyPair, sequence: UInt64, expires: UInt64, nonce: [UInt8],
        random: [UInt8]
    ) {
        precondition(location.peerID == old.signer, "a record is replaced where it lies")
        precondition(random.count == old.sealed.count, "the replacement must look like what it replaces")
        self.init(signing: random, by: location, sequence: sequence, expires: expires, nonce: nonce)
    }

    private init(signing sealed: [UInt8], by location: KeyPair, sequence: UInt64, expires: UInt64, nonce: [UInt8]) {
        var message = SealedRecordMessage()
        message.sequence = sequence
        message.expires = expires
        message.nonce = nonce.data
        message.sealed = sealed.data
        self.signer = location.peerID
        self.sequence = sequence
        self.expires = expires
        self.nonce = nonce
        self.sealed = sealed
        self.envelope = SignedEnvelope(encode(message), domain: Self.domain, signedBy: location).bytes
    }

    /// Verifies what came from outside: length, signature and bounds. Needs no key.
    package init(verifying envelope: [UInt8]) throws(RecordRefusal) {
        guard envelope.count <= Self.maximumEnvelopeBytes else {
            throw .tooLong(byteCount: envelope.count, limit: Self.maximumEnvelopeBytes)
        }
        let opened: SignedEnvelope
        do throws(IdentityError) {
            opened = try SignedEnvelope(verifying: envelope, domain: Self.domain, limit: Self.maximumEnvelopeBytes)
        } catch {
            throw .notSigned(error.description)
        }
        let message = try decodeRecord(SealedRecordMessage.self, opened.payload, limit: Self.maximumEnvelopeBytes)
        guard message.nonce.count == Self.nonceBytes else { throw .malformed("a nonce has 12 bytes") }
        guard (1...Self.maximumSealedBytes).contains(message.sealed.count) else {
            throw .malformed("the sealed part has not 1 to \(Self.maximumSealedBytes) bytes")
        }
        guard message.expires < RecordTime.limitMilliseconds else { throw .lifetime }
        self.signer = opened.signer
        self.sequence = message.sequence
        self.expires = message.expires
        self.nonce = [UInt8](message.nonce)
        self.sealed = [UInt8](message.sealed)
        self.envelope = envelope
    }

    /// Whether the record counts now.
    ///
    /// - Throws: ``RecordRefusal/expired``, or ``RecordRefusal/lifetime`` when it expires too far ahead.
    package func checkTime(unixMilliseconds: UInt64) throws(RecordRefusal) {
        guard unixMilliseconds < self.expires else { throw .expired }
        let latest = RecordTime.sum(
            unixMilliseconds, Self.maximumLifetimeMilliseconds + RecordTime.toleranceMilliseconds)
        guard self.expires <= latest else { throw .lifetime }
    }

    /// The content; nil when it was sealed with another key or is not well formed inside.
    package func open(encryptionKey: [UInt8]) -> [UInt8]? {
        guard let cipherNonce = ChaChaPoly.Nonce(bytes: self.nonce) else { return nil }
        var opener = ChaChaPoly.Opener(key: encryptionKey)
        let data = Self.associatedData(signer: self.signer, sequence: self.sequence, expires: self.expires)
        guard let plaintext = try? opener.open(self.sealed, nonce: cipherNonce, associatedData: data) else {
            return nil
        }
        var reader = ByteReader(plaintext)
        guard let byteCount = try? reader.bigEndian(UInt16.self) else { return nil }
        return try? Array(reader.bytes(count: Int(byteCount)))
    }

    private static func paddedByteCount(of contentByteCount: Int, _ sizeClass: SizeClass) -> Int {
        let unit = sizeClass.rawValue
        return (contentByteCount + 2 + unit - 1) / unit * unit
    }

    private static func associatedData(signer: PeerID, sequence: UInt64, expires: UInt64) -> [UInt8] {
        var data = MeshKey.sealed(by: signer)
        data.appendBigEndian(sequence)
        data.appendBigEndian(expires)
        return data
    }
}
