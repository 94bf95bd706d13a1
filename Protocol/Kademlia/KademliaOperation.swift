package import Identity
package import Wire

/// One thing that a node does over many queries (Specs/kademlia.md, section 6).
package enum KademliaOperation: Hashable, Sendable {
    /// Finds out where a peer is.
    case findPeer(PeerID)
    /// Finds the k peers closest to a key.
    case closestPeers(key: [UInt8])
    /// Publishes a value, and again every 22 hours until it is withdrawn.
    case putValue(ValueRecord)
    /// Reads a value. The quorum is the number of peers whose valid answers are enough; 0: ask all of the closest.
    case getValue(key: [UInt8], quorum: Int)
    /// Announces that this node provides a key, and again every 22 hours until it stops.
    case provide(key: [UInt8])
    /// Finds providers. The count is how many are enough; 0: ask all of the closest.
    case findProviders(key: [UInt8], count: Int)
}

/// Names an operation of one node.
package struct OperationID: Hashable, Comparable, Sendable {
    package let number: UInt64
    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// Names a query of one node.
package struct QueryID: Hashable, Comparable, Sendable {
    package let number: UInt64
    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// How an operation ended.
package enum OperationResult: Hashable, Sendable {
    /// Where the peer is; `isReached` says that it was spoken to there, otherwise others said so. Nil: nobody knew.
    case peer(PeerContact?, isReached: Bool)
    /// The closest peers that answered, closest first.
    case closestPeers([PeerContact])
    /// The other peers that took the value or announcement. It is kept by this node in any case, and published again
    /// when more peers are known.
    case stored(by: [PeerID])
    /// The best valid record found and how many peers returned just that. Nil: nobody had one.
    case value(ValueRecord?, holders: Int)
    /// Distinct peers, in the order they were heard of. They are hints: verify what they give.
    case providers([PeerContact])
    /// It was not begun.
    case refused(OperationRefusal)
}

/// Why an operation was not begun.
package enum OperationRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case record(ValueRefusal)
    case keyLength(Int)
    case tooManyOperations
    case tooManyOwnRecords
    case store(StoreError)

    package var description: String {
        switch self {
        case .record(let refusal): refusal.description
        case .keyLength(let count):
            "a key of \(count) bytes is not allowed; keys have 1 to \(KademliaLimits.maximumKeyByteCount) bytes, those of providers at most \(KademliaLimits.maximumProviderKeyByteCount)"
        case .tooManyOperations:
            "\(KademliaLimits.maximumOperations) operations are under way; wait for some to end"
        case .tooManyOwnRecords:
            "this node publishes \(KademliaLimits.maximumOwnRecords) records already; withdraw some"
        case .store(let error): error.description
        }
    }
}

/// What is known before an operation ends.
package enum OperationProgress: Hashable, Sendable {
    /// The best record so far.
    case value(ValueRecord)
    /// Providers that were not reported before.
    case providers([PeerContact])
}

/// Why a query failed, as far as the shell can tell.
package enum QueryFailure: Error, Hashable, Sendable {
    /// No address of the peer led to it.
    case unreachable
    /// It was reached and does not serve this network.
    case notServing
    /// It reset or ended the stream instead of answering.
    case refused
    /// It did not answer in time.
    case timedOut
    /// Its answer was no message, too long, or to another question.
    case brokenAnswer
}

/// What happens to a node.
package enum KademliaInput: Hashable, Sendable {
    /// Identify said where a connected peer is and whether it serves this network's protocol.
    case identified(PeerContact, isServer: Bool)
    /// Peers of an earlier run, or given by the operator with their ids: candidates for the table.
    case restored([PeerContact])
    /// The addresses that this node announces have changed.
    case announces([Multiaddr])
    /// A query was answered.
    case answered(QueryID, KademliaAnswer)
    /// A request without answer was written.
    case delivered(QueryID)
    /// A query failed.
    case failed(QueryID, QueryFailure)
    /// Whoever started an operation no longer wants its result.
    case cancelled(OperationID)
    /// A value is no longer published. Others drop it when it expires.
    case withdrawn(key: [UInt8])
    /// A key is no longer provided. Others drop the entry when it expires.
    case stoppedProviding(key: [UInt8])
    /// The table is to be refreshed now.
    case refresh
    /// Time has passed.
    case tick
}

/// What a node wants done, in this order.
package enum KademliaEffect: Hashable, Sendable {
    /// Reach the peer, write the request and report what becomes of it.
    case query(QueryID, PeerContact, KademliaRequest)
    /// Nobody waits for this query any more: end its stream or dial. Nothing is to be reported.
    case abandon(QueryID)
    /// News of an operation.
    case progress(OperationID, OperationProgress)
    /// The end of an operation.
    case finished(OperationID, OperationResult, Lookup.Tally)
    /// The table is small: dial the bootstrap addresses, unless connected to them.
    case seekPeers
    /// A publisher equivocated: keep the evidence.
    case conflict(RecordConflict)
    /// A store failed; tell the operator.
    case storeFailed(StoreError)
}
