package import Identity
import SwiftProtobuf
import Wire

/// What is asked of an agent's catalog (Specs/records.md, section 7).
package struct CatalogQuery: Sendable, Hashable {
    /// Which workers are meant.
    package enum Subject: Sendable, Hashable {
        case worker(WorkerName)
        /// A bare name.
        case name(String)
        case tag(String)
        /// Part of a name, a tag or a summary, ASCII case ignored; empty for all. At most
        /// ``CatalogQuery/maximumTextBytes`` bytes.
        case text(String)
        /// The private worker that this proof opens (Specs/private-workers.md, section 5).
        case membership([UInt8])
    }

    /// The longest encoded query, in bytes.
    package static let maximumBytes = 512
    /// The longest text, in bytes.
    package static let maximumTextBytes = 128

    package let subject: Subject
    /// 1 to ``CatalogAnswer/maximumEntries``.
    package let limit: Int

    package init(_ subject: Subject, limit: Int = CatalogAnswer.maximumEntries) {
        self.subject = subject
        self.limit = max(1, min(limit, CatalogAnswer.maximumEntries))
    }

    /// The encoded query.
    package var payload: [UInt8] {
        var message = CatalogRequestMessage()
        switch self.subject {
        case .worker(let worker): message.worker = worker.description
        case .name(let name): message.name = name
        case .tag(let tag): message.tag = tag
        case .text(let text): message.text = text
        case .membership(let proof): message.membership = proof.data
        }
        message.limit = UInt32(self.limit)
        return encode(message)
    }

    /// Reads a query that a peer sent.
    ///
    /// - Throws: ``RecordRefusal/malformed(_:)``; the stream is then reset.
    package init(payload: [UInt8]) throws(RecordRefusal) {
        let message = try decodeRecord(CatalogRequestMessage.self, payload, limit: Self.maximumBytes)
        let subject: Subject
        switch message.query {
        case .worker(let text):
            guard let worker = try? WorkerName(text) else { throw .malformed("the worker is no full name") }
            subject = .worker(worker)
        case .name(let name):
            guard WorkerName.isName(name) else { throw .malformed("the name is not one") }
            subject = .name(name)
        case .tag(let tag):
            guard WorkerText.isTag(tag) else { throw .malformed("the tag is not one") }
            subject = .tag(tag)
        case .text(let text):
            guard text.utf8.count <= Self.maximumTextBytes else { throw .malformed("the text is too long") }
            subject = .text(text)
        case .membership(let proof):
            guard proof.count == GroupSecret.secretBytes else { throw .malformed("the proof has not 32 bytes") }
            subject = .membership([UInt8](proof))
        case nil: subject = .text("")
        }
        let limit = message.limit == 0 ? CatalogAnswer.maximumEntries : Int(clamping: message.limit)
        self.init(subject, limit: limit)
    }

    /// Whether a descriptor is one that is asked for. A private one never is, except by membership, which only
    /// ``MembershipGate`` can tell.
    package func matches(_ descriptor: WorkerDescriptor) -> Bool {
        guard descriptor.visibility == .public, !descriptor.isWithdrawn else { return false }
        switch self.subject {
        case .worker(let worker): return descriptor.worker == worker
        case .name(let name): return descriptor.worker.name == name
        case .tag(let tag): return descriptor.tags.contains(tag)
        case .text(let text):
            let wanted = Self.folded(text)
            return ([descriptor.worker.name, descriptor.summary] + descriptor.tags).contains {
                Self.contains(Self.folded($0), wanted)
            }
        case .membership: return false
        }
    }

    private static func folded(_ text: String) -> [UInt8] {
        text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }

    private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        guard !part.isEmpty else { return true }
        guard part.count <= text.count else { return false }
        return (0...text.count - part.count).contains { text[$0...].starts(with: part) }
    }
}
