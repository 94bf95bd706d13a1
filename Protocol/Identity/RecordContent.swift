/// What a kind of signed record is made of. `SignedRecord` adds the envelope and the checks that are the same for all.
package protocol RecordContent: Sendable, Hashable {
    /// Separates signatures of this kind of record from those of every other.
    static var domain: SigningDomain { get }
    /// The longest envelope, in bytes.
    static var maximumEnvelopeBytes: Int { get }
    /// The longest time from issue to expiry, in milliseconds.
    static var maximumLifetimeMilliseconds: UInt64 { get }

    /// Who must have signed the record.
    var signer: PeerID { get }
    /// Grows with each record about the same thing.
    var sequence: UInt64 { get }
    /// Wall time, in milliseconds since 1970.
    var issued: UInt64 { get }
    /// Wall time, in milliseconds since 1970.
    var expires: UInt64 { get }
    /// The encoded content.
    var payload: [UInt8] { get }

    /// Reads a payload that came from outside and checks its bounds.
    init(payload: [UInt8]) throws(RecordRefusal)
    /// Checks the bounds of every field.
    func checkBounds() throws(RecordRefusal)
}

extension SigningDomain {
    /// The domain of a kind of record of ours, which is the payload type of its envelopes as well.
    package init(record text: String) { self.init(text, payloadType: Array(text.utf8)) }
}
