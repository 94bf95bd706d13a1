import Cryptography
package import Identity

/// A host's side of membership: which callers may know of which private worker (Specs/private-workers.md, section 5).
package struct MembershipGate: Sendable {
    /// The most private workers that one agent hosts.
    package static let maximumWorkers = 256

    private let host: PeerID
    /// Belongs to no worker: what a proof is compared with when there is no such worker.
    private let decoyKey: [UInt8]
    /// In the order of the workers, so that nothing depends on a dictionary's order.
    private var entries: [(worker: WorkerName, secret: GroupSecret)] = []

    /// `decoyKey` is 32 random bytes.
    package init(host: PeerID, decoyKey: [UInt8]) {
        precondition(decoyKey.count == GroupSecret.secretBytes, "a member key has 32 bytes")
        self.host = host
        self.decoyKey = decoyKey
    }

    /// Lets the members of this epoch in, and nobody of an earlier one.
    ///
    /// - Returns: false when ``maximumWorkers`` are here already.
    package mutating func set(_ secret: GroupSecret, for worker: WorkerName) -> Bool {
        if let index = self.entries.firstIndex(where: { $0.worker == worker }) {
            self.entries[index].secret = secret
            return true
        }
        guard self.entries.count < Self.maximumWorkers else { return false }
        let index = self.entries.firstIndex { worker < $0.worker } ?? self.entries.endIndex
        self.entries.insert((worker, secret), at: index)
        return true
    }

    /// Forgets a worker that is no longer hosted.
    package mutating func remove(_ worker: WorkerName) { self.entries.removeAll { $0.worker == worker } }

    /// The secret of a worker that is hosted here.
    package func secret(of worker: WorkerName) -> GroupSecret? {
        self.entries.first { $0.worker == worker }?.secret
    }

    /// Whether a proof opens a worker to a caller. Takes the same work for a worker that is not here.
    package func admits(_ caller: PeerID, to worker: WorkerName, proof: [UInt8]) -> Bool {
        let secret = self.secret(of: worker)
        // Both are computed in every case: whether there is such a worker must not show in the time.
        let decoy = GroupSecret.proof(memberKey: self.decoyKey, caller: caller, host: self.host)
        let stand = secret ?? self.entries.first?.secret
        let expected = stand?.proof(for: worker, caller: caller, host: self.host) ?? decoy
        return ConstantTime.equal(expected, proof) && secret != nil
    }

    /// The workers whose members a proof shows the caller to be one of: at most one, since proofs differ.
    package func worker(for proof: [UInt8], caller: PeerID) -> WorkerName? {
        var found: WorkerName?
        for entry in self.entries {
            let expected = entry.secret.proof(for: entry.worker, caller: caller, host: self.host)
            if ConstantTime.equal(expected, proof) { found = entry.worker }
        }
        return found
    }
}
