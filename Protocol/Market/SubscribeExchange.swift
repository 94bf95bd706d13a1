import SwiftProtobuf
import Wire

/// Delivers a subscription to the publisher on `/dsmp/subscribe/1` (Specs/subscription.md, section 4).
package struct SubscribeQuery: Sendable, Hashable {
    /// The longest encoded query, in bytes.
    package static let maximumBytes = 8_192
    /// The longest proof, in bytes.
    package static let maximumProofBytes = 512

    package let record: SignedSubscription
    /// Proof of membership for a private worker, else empty (Specs/private-workers.md, section 5).
    package let proof: [UInt8]

    package init(record: SignedSubscription, proof: [UInt8] = []) {
        self.record = record
        self.proof = proof
    }

    /// The encoded query.
    package var payload: [UInt8] {
        var message = SubscribeRequestMessage()
        message.subscription = self.record.envelope.data
        message.proof = self.proof.data
        return encode(message)
    }

    /// Reads a query that a peer sent, and verifies the record in it.
    package init(payload: [UInt8]) throws(MarketError) {
        let message = try decodeMarket(SubscribeRequestMessage.self, payload, limit: Self.maximumBytes)
        guard message.proof.count <= Self.maximumProofBytes else { throw .malformed("the proof is too long") }
        self.init(
            record: try SignedSubscription(verifying: [UInt8](message.subscription)), proof: [UInt8](message.proof))
    }
}

/// What the publisher answers.
package enum SubscribeAnswer: Sendable, Hashable {
    /// The longest encoded answer, in bytes.
    package static let maximumBytes = 2_048

    /// The envelope of the receipt.
    case accepted([UInt8])
    /// A status as in Specs/call.md, section 5; never 0.
    case refused(status: UInt32)

    /// No such worker, or not for this peer: the same bytes.
    package static let notFound = SubscribeAnswer.refused(status: 5)
    /// The record is broken or older than the one that is kept.
    package static let invalid = SubscribeAnswer.refused(status: 3)
    /// The publisher keeps no more.
    package static let tooMany = SubscribeAnswer.refused(status: 8)

    /// The encoded answer.
    package var payload: [UInt8] {
        var message = SubscribeResponseMessage()
        switch self {
        case .accepted(let receipt): message.receipt = receipt.data
        case .refused(let status): message.status = status
        }
        return encode(message)
    }

    /// Reads the answer of a peer.
    package init(payload: [UInt8]) throws(MarketError) {
        let message = try decodeMarket(SubscribeResponseMessage.self, payload, limit: Self.maximumBytes)
        if message.status == 0 {
            self = .accepted([UInt8](message.receipt))
        } else {
            self = .refused(status: message.status)
        }
    }
}
