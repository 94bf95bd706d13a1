import Cryptography
package import Identity
import SwiftProtobuf
import Wire

/// A subscription that its consumer signed.
package struct SignedSubscription: Sendable, Hashable {
    /// The longest envelope, in bytes.
    package static let maximumBytes = 4_096
    static let domain = SigningDomain(record: "dsmp-subscription/1")

    package let subscription: Subscription
    /// The bytes that were signed and travel.
    package let envelope: [UInt8]

    /// Signs a subscription of our own.
    ///
    /// - Throws: ``MarketError/wrongSigner`` with another's key.
    package init(signing subscription: Subscription, with key: KeyPair) throws(MarketError) {
        guard key.peerID == subscription.consumer else { throw .wrongSigner }
        self.subscription = subscription
        self.envelope = SignedEnvelope(subscription.payload, domain: Self.domain, signedBy: key).bytes
    }

    /// Verifies what came from outside.
    package init(verifying envelope: [UInt8]) throws(MarketError) {
        let opened = try openMarket(envelope, domain: Self.domain, limit: Self.maximumBytes)
        let subscription = try Subscription(payload: opened.payload)
        guard opened.signer == subscription.consumer else { throw .wrongSigner }
        self.subscription = subscription
        self.envelope = envelope
    }

    /// What a receipt names: the SHA-256 of the envelope.
    package var digest: [UInt8] { SHA256.digest(self.envelope) }
}

/// A publisher's countersignature (Specs/subscription.md, section 2). With the consumer's record it is the agreement.
package struct SubscriptionReceipt: Sendable, Hashable {
    /// The longest envelope, in bytes.
    package static let maximumBytes = 1_024
    static let domain = SigningDomain(record: "dsmp-subscription-receipt/1")

    /// Wall time, in milliseconds since 1970.
    package let issued: UInt64
    /// The bytes that were signed and travel.
    package let envelope: [UInt8]

    /// Countersigns as the publisher.
    ///
    /// - Throws: ``MarketError/wrongSigner`` with another's key.
    package init(
        accepting record: SignedSubscription, issued: UInt64, with key: KeyPair
    ) throws(MarketError) {
        guard key.peerID == record.subscription.worker.publisher else { throw .wrongSigner }
        var message = SubscriptionReceiptMessage()
        message.subscription = record.digest.data
        message.issued = issued
        self.issued = issued
        self.envelope = SignedEnvelope(encode(message), domain: Self.domain, signedBy: key).bytes
    }

    /// Verifies a receipt for a record.
    package init(verifying envelope: [UInt8], for record: SignedSubscription) throws(MarketError) {
        let opened = try openMarket(envelope, domain: Self.domain, limit: Self.maximumBytes)
        guard opened.signer == record.subscription.worker.publisher else { throw .wrongSigner }
        let message = try decodeMarket(SubscriptionReceiptMessage.self, opened.payload, limit: Self.maximumBytes)
        guard [UInt8](message.subscription) == record.digest else {
            throw .malformed("the receipt is for another subscription")
        }
        self.issued = message.issued
        self.envelope = envelope
    }
}

/// Opens an envelope of the market.
private func openMarket(
    _ envelope: [UInt8], domain: SigningDomain, limit: Int
) throws(MarketError) -> SignedEnvelope {
    guard envelope.count <= limit else { throw .tooLong(byteCount: envelope.count, limit: limit) }
    do throws(IdentityError) {
        return try SignedEnvelope(verifying: envelope, domain: domain, limit: limit)
    } catch {
        throw .notSigned(error.description)
    }
}
