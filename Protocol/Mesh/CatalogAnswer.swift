package import Identity
import SwiftProtobuf
import Wire

/// One worker in a catalog: its descriptor, and the grant of the agent that answers.
package struct CatalogEntry: Sendable, Hashable {
    package let descriptor: SignedRecord<WorkerDescriptor>
    package let grant: SignedRecord<HostGrant>

    package init(descriptor: SignedRecord<WorkerDescriptor>, grant: SignedRecord<HostGrant>) {
        self.descriptor = descriptor
        self.grant = grant
    }
}

/// What an agent answers about the workers it hosts (Specs/records.md, section 7).
package struct CatalogAnswer: Sendable, Hashable {
    /// The most entries.
    package static let maximumEntries = 24
    /// The longest encoded answer, in bytes.
    package static let maximumBytes = 196_608

    package let entries: [CatalogEntry]
    /// Whether entries were left out.
    package let hasMore: Bool

    /// The answer that this agent gives.
    ///
    /// `hosted` is what it runs now, public workers only, or the one that a proof opened. `unixMilliseconds` is wall
    /// time, in milliseconds since 1970; what has expired is left out.
    package init(to query: CatalogQuery, hosted: [CatalogEntry], unixMilliseconds: UInt64) {
        let matching =
            hosted
            .filter { entry in
                if case .membership = query.subject { true } else { query.matches(entry.descriptor.content) }
            }
            .filter {
                $0.descriptor.isValid(unixMilliseconds: unixMilliseconds)
                    && $0.grant.isValid(unixMilliseconds: unixMilliseconds)
            }
            .sorted { $0.descriptor.content.worker < $1.descriptor.content.worker }
        self.entries = Array(matching.prefix(query.limit))
        self.hasMore = matching.count > self.entries.count
    }

    /// The encoded answer.
    package var payload: [UInt8] {
        var message = CatalogResponseMessage()
        message.entries = self.entries.map { entry in
            var encoded = CatalogEntryMessage()
            encoded.descriptor = entry.descriptor.envelope.data
            encoded.grant = entry.grant.envelope.data
            return encoded
        }
        message.more = self.hasMore
        return encode(message)
    }

    /// Reads the answer of a peer and keeps what verifies: signatures, times, a grant for that very peer, and what was
    /// asked for. The rest is dropped, since one bad entry says nothing against another.
    ///
    /// `host` is the peer that the secure channel authenticated. `private` is the worker whose membership proof was the
    /// query; nil for the other queries.
    ///
    /// - Throws: ``RecordRefusal`` when the answer as a whole is malformed.
    package init(
        payload: [UInt8], to query: CatalogQuery, from host: PeerID, private worker: WorkerName? = nil,
        unixMilliseconds: UInt64
    ) throws(RecordRefusal) {
        let message = try decodeRecord(CatalogResponseMessage.self, payload, limit: Self.maximumBytes)
        var entries: [CatalogEntry] = []
        for encoded in message.entries.prefix(query.limit) {
            guard
                let descriptor = try? SignedRecord<WorkerDescriptor>(verifying: [UInt8](encoded.descriptor)),
                let grant = try? SignedRecord<HostGrant>(verifying: [UInt8](encoded.grant)),
                descriptor.isValid(unixMilliseconds: unixMilliseconds)
            else { continue }
            let content = descriptor.content
            let isWanted =
                if case .membership = query.subject {
                    content.worker == worker && content.visibility == .private && !content.isWithdrawn
                } else {
                    query.matches(content)
                }
            let check: Void? = try? HostCheck.check(
                grant, of: content.worker, at: host, descriptor: content, unixMilliseconds: unixMilliseconds)
            guard isWanted, check != nil,
                !entries.contains(where: { $0.descriptor.content.worker == content.worker })
            else { continue }
            entries.append(CatalogEntry(descriptor: descriptor, grant: grant))
        }
        self.entries = entries
        self.hasMore = message.more
    }
}
