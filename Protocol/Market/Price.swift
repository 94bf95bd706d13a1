import SwiftProtobuf
import Wire

/// What a worker costs: an amount for each unit used (Specs/subscription.md, section 3).
package struct Price: Sendable, Hashable {
    /// The most terms.
    package static let maximumTerms = 8
    /// The longest encoded price, in bytes.
    package static let maximumBytes = 512

    /// An amount for each unit.
    package struct Term: Sendable, Hashable {
        /// `fixed`, `call`, `second`, `byte`, …: 1 to 32 of `a-z`, `0-9`, `-` and `.`.
        package var unit: String
        /// 10^-9 of the denomination.
        package var nano: UInt64

        package init(unit: String, nano: UInt64) {
            self.unit = unit
            self.nano = nano
        }
    }

    /// For example `OPEN`: 1 to 16 of `A-Z` and `0-9`.
    package let denomination: String
    /// At most ``maximumTerms``, units unique.
    package let terms: [Term]

    /// - Throws: ``MarketError/malformed(_:)`` for a bound that is broken.
    package init(denomination: String, terms: [Term]) throws(MarketError) {
        guard (1...16).contains(denomination.utf8.count),
            denomination.utf8.allSatisfy({ Self.isUpper($0) || Self.isDigit($0) })
        else { throw .malformed("a denomination is 1 to 16 of A-Z and 0-9") }
        guard terms.count <= Self.maximumTerms, Set(terms.map(\.unit)).count == terms.count else {
            throw .malformed("a price has at most \(Self.maximumTerms) terms, each for another unit")
        }
        guard terms.allSatisfy({ Self.isUnit($0.unit) }) else {
            throw .malformed("a unit is 1 to 32 of a-z, 0-9, \"-\" and \".\"")
        }
        self.denomination = denomination
        self.terms = terms
    }

    /// The encoded price, as a descriptor carries it.
    package var payload: [UInt8] { encode(self.message) }

    /// Reads an encoded price.
    ///
    /// - Throws: ``MarketError/malformed(_:)``.
    package init(payload: [UInt8]) throws(MarketError) {
        try self.init(try decodeMarket(PriceMessage.self, payload, limit: Self.maximumBytes))
    }

    var message: PriceMessage {
        var message = PriceMessage()
        message.denomination = self.denomination
        message.terms = self.terms.map { term in
            var encoded = PriceTermMessage()
            encoded.unit = term.unit
            encoded.nano = term.nano
            return encoded
        }
        return message
    }

    init(_ message: PriceMessage) throws(MarketError) {
        try self.init(
            denomination: message.denomination, terms: message.terms.map { Term(unit: $0.unit, nano: $0.nano) })
    }

    /// What uses cost, in 10^-9 of the denomination; nil when the number is too great to be written down.
    ///
    /// `uses` is how many of each unit. Units without a term cost nothing.
    package func amount(for uses: [(unit: String, count: UInt64)]) -> UInt64? {
        var sum: UInt64 = 0
        for use in uses {
            guard let term = self.terms.first(where: { $0.unit == use.unit }) else { continue }
            let (product, isTooGreat) = term.nano.multipliedReportingOverflow(by: use.count)
            let (next, overflows) = sum.addingReportingOverflow(product)
            guard !isTooGreat, !overflows else { return nil }
            sum = next
        }
        return sum
    }

    private static func isUnit(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { self.isLower($0) || self.isDigit($0) || "-.".utf8.contains($0) }
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isUpper(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
