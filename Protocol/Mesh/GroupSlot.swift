import Cryptography
package import Identity

/// Where one member of a private worker finds the current secret, and the key that opens it. The publisher and that
/// member derive the same; nobody else can (Specs/private-workers.md, section 4).
package struct GroupSlot: Sendable {
    /// Signs the record of the slot and so places it.
    package let location: KeyPair
    private let encryptionKey: [UInt8]

    /// Derives the slot.
    ///
    /// `own` is the identity of this side, the publisher or the member. `other` is the peer id of the other side.
    ///
    /// - Throws: ``RecordRefusal/malformed(_:)`` when the other side has no Ed25519 identity or a key that agrees on
    ///   nothing secret.
    package init(of worker: WorkerName, own: KeyPair, other: PeerID) throws(RecordRefusal) {
        guard let key = other.publicKey, key.kind == .ed25519 else {
            throw .malformed("only a peer with an Ed25519 identity (12D3Koo…) can be granted a private worker")
        }
        do throws(KeyError) {
            let secret = try own.keyAgreementKey().sharedSecret(with: KeyAgreementKey.publicKey(ofEd25519: key.data))
            let derived = HKDFSHA256.derive(
                secret: secret, salt: Array("dsmp-slot/1".utf8), information: Array(worker.description.utf8),
                byteCount: 64)
            self.location = try KeyPair(seed: Array(derived[..<32]))
            self.encryptionKey = Array(derived[32...])
        } catch {
            throw .malformed(error.description)
        }
    }

    /// Where the slot lies in the distributed hash table.
    package var key: [UInt8] { MeshKey.sealed(by: self.location.peerID) }

    /// Seals what the member is to know.
    ///
    /// `payload` is ``GroupSecret/payload`` or ``GroupSecret/emptyPayload(epoch:)``.
    package func seal(
        _ payload: [UInt8], sequence: UInt64, expires: UInt64, nonce: [UInt8]
    ) throws(RecordRefusal) -> SealedRecord {
        try SealedRecord(
            sealing: payload, sizeClass: .slot, encryptionKey: self.encryptionKey, location: self.location,
            sequence: sequence, expires: expires, nonce: nonce)
    }

    /// The secret in a record of this slot; nil when it does not open or tells that the member is not granted.
    package func open(_ record: SealedRecord) -> GroupSecret? {
        guard record.signer == self.location.peerID, let payload = record.open(encryptionKey: self.encryptionKey)
        else { return nil }
        return (try? GroupSecret.read(payload: payload)) ?? nil
    }
}
