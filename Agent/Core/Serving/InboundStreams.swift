import Identity

/// Counts the streams that peers have open here, so that none takes more than its share.
struct InboundStreams {
    /// One kind of stream.
    enum Kind: Int, CaseIterable {
        case call, catalog, grant, block, subscribe

        /// The most of one peer at once.
        var perPeer: Int {
            switch self {
            case .call: 64
            case .catalog: 8
            case .grant, .block, .subscribe: 4
            }
        }

        /// The most of all peers at once.
        var total: Int {
            switch self {
            case .call: 1_024
            case .catalog: 128
            case .grant, .subscribe: 64
            case .block: 32
            }
        }

        /// For people.
        var name: String {
            switch self {
            case .call: "calls from peers"
            case .catalog: "catalog questions from peers"
            case .grant: "grant questions from peers"
            case .block: "release transfers to peers"
            case .subscribe: "subscriptions from peers"
            }
        }
    }

    private struct Owner: Hashable {
        let peer: PeerID
        let kind: Kind
    }

    private var totals = [Int](repeating: 0, count: Kind.allCases.count)
    private var counts: [Owner: Int] = [:]

    /// How many of a kind are open.
    func count(_ kind: Kind) -> Int { self.totals[kind.rawValue] }

    /// Returns whether one more may be open; ``end(_:of:)`` when it was and is closed.
    mutating func begin(_ kind: Kind, of peer: PeerID) -> Bool {
        let owner = Owner(peer: peer, kind: kind)
        let count = self.counts[owner] ?? 0
        guard count < kind.perPeer, self.totals[kind.rawValue] < kind.total else { return false }
        self.counts[owner] = count + 1
        self.totals[kind.rawValue] += 1
        return true
    }

    mutating func end(_ kind: Kind, of peer: PeerID) {
        let owner = Owner(peer: peer, kind: kind)
        self.totals[kind.rawValue] -= 1
        let count = (self.counts[owner] ?? 1) - 1
        self.counts[owner] = count > 0 ? count : nil
    }
}
