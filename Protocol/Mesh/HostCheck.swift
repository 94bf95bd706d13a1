package import Identity

/// Decides whether a call may be sent to a host (Specs/records.md, section 5).
package enum HostCheck {
    /// How long a descriptor may be used without having looked for a newer one, in milliseconds (10 minutes).
    package static let descriptorFreshMilliseconds: UInt64 = 600_000

    /// Why a host must not be called.
    package enum Refusal: Error, Sendable, Hashable, CustomStringConvertible {
        case record(RecordRefusal)
        /// The grant is about another worker.
        case otherWorker
        /// The grant is for another host than the one at the other end.
        case otherHost
        /// The publisher took grants of this age back.
        case revoked
        /// The publisher offers the worker no longer.
        case withdrawn

        package var description: String {
            switch self {
            case .record(let refusal): refusal.description
            case .otherWorker: "the host grant is about another worker"
            case .otherHost: "the host grant is for another host"
            case .revoked: "the publisher has taken the host grant back"
            case .withdrawn: "the publisher offers the worker no longer"
            }
        }
    }

    /// Checks a grant for a call now.
    ///
    /// `host` is the peer that the secure channel authenticated. `descriptor` is the newest valid one that is known;
    /// nil when none is. `unixMilliseconds` is wall time, in milliseconds since 1970.
    package static func check(
        _ grant: SignedRecord<HostGrant>, of worker: WorkerName, at host: PeerID, descriptor: WorkerDescriptor?,
        unixMilliseconds: UInt64
    ) throws(Refusal) {
        do throws(RecordRefusal) {
            try grant.checkTime(unixMilliseconds: unixMilliseconds)
        } catch {
            throw .record(error)
        }
        guard grant.content.worker == worker else { throw .otherWorker }
        guard grant.content.host == host else { throw .otherHost }
        guard let descriptor, descriptor.worker == worker else { return }
        guard !descriptor.isWithdrawn else { throw .withdrawn }
        guard grant.content.sequence >= descriptor.grantFloor else { throw .revoked }
    }
}
