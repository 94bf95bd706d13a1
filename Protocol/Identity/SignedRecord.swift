/// A record whose signature and bounds hold. Whether its time does is asked with ``checkTime(unixMilliseconds:)``.
package struct SignedRecord<Content: RecordContent>: Sendable, Hashable {
    package let content: Content
    /// The bytes that were signed and travel; never encoded anew.
    package let envelope: [UInt8]

    /// Signs a record of our own.
    ///
    /// - Throws: ``RecordRefusal/wrongSigner`` with another's key, or the bound that the content breaks.
    package init(signing content: Content, with key: KeyPair) throws(RecordRefusal) {
        guard key.peerID == content.signer else { throw .wrongSigner }
        try content.checkBounds()
        try Self.checkTimes(content)
        let envelope = SignedEnvelope(content.payload, domain: Content.domain, signedBy: key).bytes
        guard envelope.count <= Content.maximumEnvelopeBytes else {
            throw .tooLong(byteCount: envelope.count, limit: Content.maximumEnvelopeBytes)
        }
        self.content = content
        self.envelope = envelope
    }

    /// Verifies what came from outside: length, signature, domain, signer and bounds.
    package init(verifying envelope: [UInt8]) throws(RecordRefusal) {
        guard envelope.count <= Content.maximumEnvelopeBytes else {
            throw .tooLong(byteCount: envelope.count, limit: Content.maximumEnvelopeBytes)
        }
        let opened: SignedEnvelope
        do throws(IdentityError) {
            opened = try SignedEnvelope(
                verifying: envelope, domain: Content.domain, limit: Content.maximumEnvelopeBytes)
        } catch {
            throw .notSigned(error.description)
        }
        let content = try Content(payload: opened.payload)
        guard opened.signer == content.signer else { throw .wrongSigner }
        try Self.checkTimes(content)
        self.content = content
        self.envelope = envelope
    }

    /// Whether the record counts now.
    ///
    /// - Parameter unixMilliseconds: wall time, in milliseconds since 1970.
    /// - Throws: ``RecordRefusal/notYetValid`` or ``RecordRefusal/expired``.
    package func checkTime(unixMilliseconds: UInt64) throws(RecordRefusal) {
        guard self.content.issued <= RecordTime.sum(unixMilliseconds, RecordTime.toleranceMilliseconds) else {
            throw .notYetValid
        }
        guard unixMilliseconds < self.content.expires else { throw .expired }
    }

    /// Whether the record counts now.
    package func isValid(unixMilliseconds: UInt64) -> Bool {
        (try? self.checkTime(unixMilliseconds: unixMilliseconds)) != nil
    }

    private static func checkTimes(_ content: Content) throws(RecordRefusal) {
        guard content.expires < RecordTime.limitMilliseconds, content.issued < content.expires,
            content.expires - content.issued <= Content.maximumLifetimeMilliseconds
        else {
            throw .lifetime
        }
    }
}
