import SwiftProtobuf
import Wire

/// Under what a worker is used (Specs/subscription.md, section 3). Payment and level are carried, not yet acted on.
package struct SubscriptionTerms: Sendable, Hashable {
    /// The longest name of a payment channel, in bytes.
    package static let maximumChannelBytes = 64
    /// The greatest availability, in parts per million.
    package static let maximumAvailability: UInt32 = 1_000_000

    /// Nil: free of charge.
    package let price: Price?
    /// The payment channel; empty when there is none.
    package let channel: [UInt8]
    /// The lane of the channel.
    package let lane: UInt64
    /// Promised availability, in parts per million; 0 when none is promised.
    package let availability: UInt32
    /// Promised latency, in milliseconds; 0 when none is promised.
    package let latencyMilliseconds: UInt32

    /// Free of charge, nothing promised.
    package init() {
        self.price = nil
        self.channel = []
        self.lane = 0
        self.availability = 0
        self.latencyMilliseconds = 0
    }

    /// - Throws: ``MarketError/malformed(_:)`` for a bound that is broken.
    package init(
        price: Price?, channel: [UInt8] = [], lane: UInt64 = 0, availability: UInt32 = 0,
        latencyMilliseconds: UInt32 = 0
    ) throws(MarketError) {
        guard channel.count <= Self.maximumChannelBytes else { throw .malformed("the payment channel is too long") }
        guard availability <= Self.maximumAvailability else { throw .malformed("more is promised than there is time") }
        self.price = price
        self.channel = channel
        self.lane = lane
        self.availability = availability
        self.latencyMilliseconds = latencyMilliseconds
    }

    var message: TermsMessage {
        var message = TermsMessage()
        if let price = self.price { message.price = price.message }
        if !self.channel.isEmpty || self.lane > 0 {
            message.payment.channel = self.channel.data
            message.payment.lane = self.lane
        }
        if self.availability > 0 || self.latencyMilliseconds > 0 {
            message.level.availability = self.availability
            message.level.latency = self.latencyMilliseconds
        }
        return message
    }

    init(_ message: TermsMessage) throws(MarketError) {
        try self.init(
            price: message.hasPrice ? try Price(message.price) : nil, channel: [UInt8](message.payment.channel),
            lane: message.payment.lane, availability: message.level.availability,
            latencyMilliseconds: message.level.latency)
    }
}
