import Identity
import Market
import Mesh
import TestKit
import Testing
import Wire

@Suite("A subscription") struct SubscriptionTests {
    struct Vectors: Decodable {
        struct Refused: Decodable { let why, envelope: String }
        let consumerSeed, publisherSeed, worker, nonce, price, channel, subscription, cancellation, receipt: String
        let start, cancelledAt, receiptIssued, lane: UInt64
        let availability, latency: UInt32
        let refused: [Refused]
    }

    let vectors: Vectors
    let consumer: KeyPair
    let publisher: KeyPair

    init() throws {
        self.vectors = try Repository.vectors("Specs/vectors/subscription.json", as: Vectors.self)
        self.consumer = try KeyPair(seed: bytes(self.vectors.consumerSeed))
        self.publisher = try KeyPair(seed: bytes(self.vectors.publisherSeed))
    }

    private func subscription(end: UInt64 = 0) throws -> Subscription {
        let terms = try SubscriptionTerms(
            price: Price(payload: bytes(self.vectors.price)), channel: bytes(self.vectors.channel),
            lane: self.vectors.lane, availability: self.vectors.availability,
            latencyMilliseconds: self.vectors.latency)
        return try Subscription(
            consumer: self.consumer.peerID, worker: WorkerName(self.vectors.worker), nonce: bytes(self.vectors.nonce),
            issued: self.vectors.start, start: self.vectors.start, end: end, terms: terms)
    }

    @Test("is written, cancelled and countersigned as specified") func vectorsHold() throws {
        let record = try SignedSubscription(signing: self.subscription(), with: self.consumer)
        #expect(record.envelope.hexadecimal == self.vectors.subscription)
        #expect(try SignedSubscription(verifying: record.envelope) == record)
        let cancelled = record.subscription.cancelled(issued: self.vectors.cancelledAt)
        try cancelled.checkReplaces(record.subscription)
        let cancellation = try SignedSubscription(signing: cancelled, with: self.consumer)
        #expect(cancellation.envelope.hexadecimal == self.vectors.cancellation)
        let receipt = try SubscriptionReceipt(
            accepting: record, issued: self.vectors.receiptIssued, with: self.publisher)
        #expect(receipt.envelope.hexadecimal == self.vectors.receipt)
        #expect(try SubscriptionReceipt(verifying: receipt.envelope, for: record) == receipt)
        #expect(throws: MarketError.self) {
            _ = try SubscriptionReceipt(verifying: receipt.envelope, for: cancellation)
        }
    }

    @Test("that must be refused is refused") func refused() throws {
        for vector in self.vectors.refused {
            let envelope = try bytes(vector.envelope)
            #expect(throws: MarketError.self, "\(vector.why)") { _ = try SignedSubscription(verifying: envelope) }
        }
    }

    @Test("is signed by its consumer, its receipt by the publisher") func signers() throws {
        let subscription = try self.subscription()
        #expect(throws: MarketError.wrongSigner) {
            _ = try SignedSubscription(signing: subscription, with: self.publisher)
        }
        let record = try SignedSubscription(signing: subscription, with: self.consumer)
        #expect(throws: MarketError.wrongSigner) {
            _ = try SubscriptionReceipt(accepting: record, issued: 1, with: self.consumer)
        }
    }

    @Test("is active from its start until its end or its cancellation") func activity() throws {
        let start = self.vectors.start
        let open = try self.subscription()
        #expect(!open.isActive(unixMilliseconds: start - 1) && open.isActive(unixMilliseconds: start))
        #expect(open.isActive(unixMilliseconds: .max))
        let bounded = try self.subscription(end: start + 10)
        #expect(bounded.isActive(unixMilliseconds: start + 9) && !bounded.isActive(unixMilliseconds: start + 10))
        #expect(!open.cancelled(issued: start).isActive(unixMilliseconds: start))
    }

    @Test("is replaced only by a later version of itself, and never revived") func replacement() throws {
        let first = try self.subscription()
        let cancelled = first.cancelled(issued: first.issued + 1)
        #expect(throws: MarketError.self) { try first.checkReplaces(first) }
        #expect(throws: MarketError.self) { try first.checkReplaces(cancelled) }
        var revived = cancelled
        revived.sequence += 1
        revived.isCancelled = false
        #expect(throws: MarketError.self) { try revived.checkReplaces(cancelled) }
        let other = try Subscription(
            consumer: first.consumer, worker: first.worker, nonce: [UInt8](repeating: 1, count: 16), sequence: 2,
            issued: first.issued, start: first.start, terms: first.terms)
        #expect(throws: MarketError.self) { try other.checkReplaces(first) }
        let cheaper = try Subscription(
            consumer: first.consumer, worker: first.worker, nonce: first.nonce, sequence: 2, issued: first.issued,
            start: first.start)
        #expect(throws: MarketError.self) { try cheaper.checkReplaces(first) }
    }

    @Test("is delivered and answered in the specified form") func exchange() throws {
        let record = try SignedSubscription(signing: self.subscription(), with: self.consumer)
        let query = SubscribeQuery(record: record, proof: [UInt8](repeating: 1, count: 32))
        #expect(try SubscribeQuery(payload: query.payload) == query)
        for answer in [SubscribeAnswer.accepted([1, 2]), .notFound, .invalid, .tooMany] {
            #expect(try SubscribeAnswer(payload: answer.payload) == answer)
        }
        #expect(SubscribeAnswer.notFound.payload.hexadecimal == "0805")
        let long = SubscribeQuery(record: record, proof: [UInt8](repeating: 1, count: 513))
        #expect(throws: MarketError.self) { _ = try SubscribeQuery(payload: long.payload) }
        for seed in 0..<UInt64(200) {
            var random = SplitMix64(seed: seed)
            let noise = random.bytes(Int.random(in: 0...200, using: &random))
            _ = try? SubscribeQuery(payload: noise)
            _ = try? SubscribeAnswer(payload: noise)
            _ = try? SignedSubscription(verifying: noise)
        }
    }
}

@Suite("A price") struct PriceTests {
    @Test("adds up what was used, and says so when the sum is too great") func amounts() throws {
        let price = try Price(
            denomination: "OPEN", terms: [.init(unit: "fixed", nano: 100), .init(unit: "call", nano: 7)])
        #expect(price.amount(for: [("fixed", 1), ("call", 3), ("byte", 1_000)]) == 121)
        #expect(price.amount(for: [("call", .max)]) == nil)
        #expect(price.amount(for: [("call", .max / 7), ("fixed", 1)]) == nil)
        #expect(price.amount(for: []) == 0)
    }

    @Test("keeps its bounds") func bounds() throws {
        let terms = (0..<8).map { Price.Term(unit: "u\($0)", nano: 1) }
        let price = try Price(denomination: "OPEN", terms: terms)
        #expect(try Price(payload: price.payload) == price)
        #expect(price.payload.count <= WorkerDescriptor.maximumPriceBytes)
        #expect(throws: MarketError.self) {
            _ = try Price(denomination: "OPEN", terms: terms + [.init(unit: "u8", nano: 1)])
        }
        for denomination in ["", "open", "OPEN TOKEN", String(repeating: "A", count: 17)] {
            #expect(throws: MarketError.self) { _ = try Price(denomination: denomination, terms: []) }
        }
        for unit in ["", "Call", "a b", String(repeating: "a", count: 33)] {
            #expect(throws: MarketError.self) {
                _ = try Price(denomination: "OPEN", terms: [.init(unit: unit, nano: 1)])
            }
        }
    }
}
