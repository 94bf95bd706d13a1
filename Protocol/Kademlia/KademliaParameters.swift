/// The parameters of a table and of its lookups. All peers of a network should agree on ``replication``; the rest is each
/// node's own affair (Specs/kademlia.md, sections 4 to 6).
package struct KademliaParameters: Hashable, Sendable {
    /// k: peers in a bucket, peers that hold a record, peers in an answer.
    package var replication = 20
    /// Alpha: queries of one lookup under way at once.
    package var concurrency = 10
    /// Beta: the closest peers that must have answered before a lookup turns to its follow-up.
    package var resilience = 3

    /// A query without an answer fails after this time.
    package var queryTimeoutMilliseconds: UInt64 = 10_000
    /// A lookup stops waiting for a query after this time; a late answer still counts.
    package var slowQueryMilliseconds: UInt64 = 2_000

    /// Time between refreshes of the table.
    package var refreshIntervalMilliseconds: UInt64 = 600_000
    /// A peer that answered nothing for this time may be replaced: 2 (ln(1/k) / ln(1 - alpha/k)) refresh intervals.
    package var usefulnessWindowMilliseconds: UInt64 = 5_186_000
    /// Below this many peers the node asks for bootstrap addresses.
    package var minimumTableSize = 10
    /// Time between such requests.
    package var seekIntervalMilliseconds: UInt64 = 60_000

    /// Time that a stored value lives after it was received.
    package var valueLifetimeMilliseconds: UInt64 = 172_800_000
    /// Time that a provider entry lives after it was received.
    package var providerLifetimeMilliseconds: UInt64 = 172_800_000
    /// Time that the addresses in a provider entry are given out.
    package var providerAddressLifetimeMilliseconds: UInt64 = 86_400_000
    /// Time after which the node publishes its own values and provider entries again.
    package var republishIntervalMilliseconds: UInt64 = 79_200_000
    /// The least time before what reached fewer than k peers is published again to a table that has grown.
    package var earlyRepublishIntervalMilliseconds: UInt64 = 60_000
    /// Time between removals of expired entries from the stores.
    package var collectionIntervalMilliseconds: UInt64 = 3_600_000
    /// Time that an address of a peer outside the table is remembered.
    package var bookedContactLifetimeMilliseconds: UInt64 = 3_600_000

    package init() {}
}

/// Whether a node answers others (Specs/kademlia.md, section 3). It is a choice of the operator, never made silently.
package enum KademliaMode: String, Hashable, Sendable {
    /// Handles the protocol, stores for others and may be in their tables.
    case server
    /// Only asks.
    case client
}

/// The two clocks of an input: one that never goes back, and the calendar.
package struct Moment: Hashable, Sendable {
    /// Milliseconds of a clock that never goes back; its origin does not matter.
    package var monotonicMilliseconds: UInt64
    /// Milliseconds since 1970-01-01 UTC, as the machine believes.
    package var unixMilliseconds: UInt64

    package init(monotonicMilliseconds: UInt64, unixMilliseconds: UInt64) {
        self.monotonicMilliseconds = monotonicMilliseconds
        self.unixMilliseconds = unixMilliseconds
    }
}

/// `start + duration`, or the greatest value.
package func saturatingSum(_ start: UInt64, _ duration: UInt64) -> UInt64 {
    let (sum, overflow) = start.addingReportingOverflow(duration)
    return overflow ? .max : sum
}
