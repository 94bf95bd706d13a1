package import Identity
import SwiftProtobuf
import Wire

/// A consumer's statement that it uses a worker under terms (Specs/subscription.md, section 1).
package struct Subscription: Sendable, Hashable {
    /// The version that this agent writes and reads.
    package static let version: UInt32 = 1
    /// The length of a nonce, in bytes.
    package static let nonceBytes = 16
    /// Times are below this, in milliseconds since 1970.
    package static let timeLimit: UInt64 = 1 << 53

    package let consumer: PeerID
    package let worker: WorkerName
    /// 16 random bytes; with consumer and worker the identity of the subscription.
    package let nonce: [UInt8]
    /// From 1; one higher for each change.
    package var sequence: UInt64
    /// Wall time, in milliseconds since 1970.
    package var issued: UInt64
    /// Wall time, in milliseconds since 1970.
    package let start: UInt64
    /// Wall time, in milliseconds since 1970; 0 until cancelled.
    package var end: UInt64
    package var isCancelled: Bool
    package let terms: SubscriptionTerms

    /// - Throws: ``MarketError/malformed(_:)`` for a bound that is broken.
    package init(
        consumer: PeerID, worker: WorkerName, nonce: [UInt8], sequence: UInt64 = 1, issued: UInt64, start: UInt64,
        end: UInt64 = 0, isCancelled: Bool = false, terms: SubscriptionTerms = SubscriptionTerms()
    ) throws(MarketError) {
        guard nonce.count == Self.nonceBytes else { throw .malformed("a nonce has \(Self.nonceBytes) bytes") }
        guard sequence > 0 else { throw .malformed("sequences start at 1") }
        guard max(issued, start, end) < Self.timeLimit else { throw .malformed("a time is out of range") }
        guard end == 0 || end > start else { throw .malformed("it ends before it starts") }
        self.consumer = consumer
        self.worker = worker
        self.nonce = nonce
        self.sequence = sequence
        self.issued = issued
        self.start = start
        self.end = end
        self.isCancelled = isCancelled
        self.terms = terms
    }

    /// Whether the worker may be used under it.
    ///
    /// `unixMilliseconds` is wall time, in milliseconds since 1970.
    package func isActive(unixMilliseconds: UInt64) -> Bool {
        !self.isCancelled && self.start <= unixMilliseconds && (self.end == 0 || unixMilliseconds < self.end)
    }

    /// The record that cancels this one.
    package func cancelled(issued: UInt64) -> Subscription {
        var next = self
        next.sequence += 1
        next.issued = issued
        next.isCancelled = true
        return next
    }

    /// Whether this record may take the place of the one that is kept.
    ///
    /// - Throws: ``MarketError/cannotReplace(_:)``.
    package func checkReplaces(_ kept: Subscription) throws(MarketError) {
        guard self.consumer == kept.consumer, self.worker == kept.worker, self.nonce == kept.nonce else {
            throw .cannotReplace("it is another subscription")
        }
        guard self.sequence > kept.sequence else { throw .cannotReplace("its sequence is not higher") }
        guard self.start == kept.start, self.terms == kept.terms else {
            throw .cannotReplace("start and terms never change")
        }
        guard self.isCancelled || !kept.isCancelled else { throw .cannotReplace("the kept one is cancelled") }
    }

    /// The encoded record.
    package var payload: [UInt8] {
        var message = SubscriptionMessage()
        message.version = Self.version
        message.nonce = self.nonce.data
        message.consumer = self.consumer.bytes.data
        message.publisher = self.worker.publisher.bytes.data
        message.name = self.worker.name
        message.sequence = self.sequence
        message.issued = self.issued
        message.start = self.start
        message.end = self.end
        message.cancelled = self.isCancelled
        if self.terms != SubscriptionTerms() { message.terms = self.terms.message }
        return encode(message)
    }

    /// Reads an encoded record.
    package init(payload: [UInt8]) throws(MarketError) {
        let message = try decodeMarket(SubscriptionMessage.self, payload, limit: SignedSubscription.maximumBytes)
        guard message.version == Self.version else { throw .unknownVersion(message.version) }
        guard let consumer = try? PeerID(bytes: [UInt8](message.consumer)),
            let publisher = try? PeerID(bytes: [UInt8](message.publisher)),
            let worker = try? WorkerName(publisher: publisher, name: message.name)
        else { throw .malformed("consumer, publisher and name are not those of a peer and a worker") }
        try self.init(
            consumer: consumer, worker: worker, nonce: [UInt8](message.nonce), sequence: message.sequence,
            issued: message.issued, start: message.start, end: message.end, isCancelled: message.cancelled,
            terms: message.hasTerms ? try SubscriptionTerms(message.terms) : SubscriptionTerms())
    }
}
