/// What a peer may make this node hold or send, whatever its configuration (Specs/kademlia.md, sections 1, 2, 5 and 7).
package enum KademliaLimits {
    /// The longest message accepted, in bytes without its length prefix.
    package static let maximumMessageByteCount = 65_536
    /// The longest message written, in bytes without its length prefix. Other implementations refuse longer ones.
    package static let maximumAnswerByteCount = 16_384
    /// The part of an answer that is kept for the closest peers before providers are written, in bytes: a popular key must not stop
    /// lookups.
    package static let closerPeersByteCount = 4_096
    /// The longest key of a value or of a lookup, in bytes.
    package static let maximumKeyByteCount = 1_024
    /// The longest key of provided content, in bytes.
    package static let maximumProviderKeyByteCount = 80
    /// The longest value, in bytes.
    package static let maximumValueByteCount = 10_240
    /// Addresses kept of one peer.
    package static let maximumAddressesPerPeer = 8
    /// The longest address kept, in bytes.
    package static let maximumAddressByteCount = 256
    /// Address fields of one peer entry that are looked at. Later ones are skipped unread.
    package static let maximumAddressesRead = 64

    /// Checks of candidates for the table under way at once.
    package static let maximumConcurrentChecks = 16
    /// Candidates that wait for their check.
    package static let maximumWaitingCandidates = 256
    /// The table loses a peer after this many failures in a row.
    package static let maximumConsecutiveFailures = 2
    /// Random keys are looked up for common prefixes up to this one. Finding a key for a prefix of `n` bits takes about
    /// 2^(n+1) digests.
    package static let maximumRefreshedPrefix = 15

    /// Peers known to one lookup.
    package static let maximumKnownPeersPerLookup = 1_024
    /// Peers asked by one lookup.
    package static let maximumQueriesPerLookup = 256
    /// Times one peer is asked by one lookup, each time at addresses that had not been tried.
    package static let maximumAttemptsPerPeer = 3
    /// Vouchers remembered of one peer in a lookup.
    package static let maximumVouchers = 4
    /// A voucher can be discredited only after this many of its referrals failed.
    package static let tolerableFailedReferrals = 4

    /// Operations under way.
    package static let maximumOperations = 1_024
    /// Queries under way.
    package static let maximumQueries = 512
    /// Peers outside the table whose addresses are remembered.
    package static let maximumBookedContacts = 4_096
    /// Values and provided keys that this node republishes.
    package static let maximumOwnRecords = 4_096
    /// Republications under way at once.
    package static let maximumConcurrentRepublications = 8
    /// Refresh lookups under way at once.
    package static let maximumConcurrentRefreshes = 3

    /// Values in a store.
    package static let maximumValueCount = 65_536
    /// Provider entries in a store.
    package static let maximumProviderCount = 131_072
    /// Provider entries under one key.
    package static let maximumProvidersPerKey = 512

    /// How long a server keeps an idle stream, in milliseconds.
    package static let streamIdleMilliseconds: UInt64 = 60_000
    /// Streams that a server reads from one peer at once.
    package static let maximumInboundStreamsPerPeer = 16
}
