package import Identity
import Wire

/// A value of the distributed hash table that belongs to the mesh, checked against the key it lies under
/// (Specs/records.md, section 6). A node stores, answers and selects by these rules alone.
package enum MeshRecord: Sendable, Hashable {
    case worker(SignedRecord<WorkerDescriptor>)
    case node(SignedRecord<NodeDescriptor>)
    case sealed(SealedRecord)

    /// The longest key, in bytes.
    package static let maximumKeyBytes = 192

    /// Checks a value for a key.
    ///
    /// `unixMilliseconds` is wall time, in milliseconds since 1970.
    ///
    /// - Throws: why it must not be stored or believed.
    package init(key: [UInt8], value: [UInt8], unixMilliseconds: UInt64) throws(RecordRefusal) {
        switch Self.namespace(of: key) {
        case MeshKey.workerNamespace:
            let record = try SignedRecord<WorkerDescriptor>(verifying: value)
            guard MeshKey.descriptor(of: record.content.worker) == key else { throw .wrongSigner }
            // A private worker that somebody published in the open by mistake is not spread further.
            guard record.content.visibility == .public else { throw .malformed("the worker is private") }
            try record.checkTime(unixMilliseconds: unixMilliseconds)
            self = .worker(record)
        case MeshKey.nodeNamespace:
            let record = try SignedRecord<NodeDescriptor>(verifying: value)
            guard MeshKey.node(record.content.peer) == key else { throw .wrongSigner }
            try record.checkTime(unixMilliseconds: unixMilliseconds)
            self = .node(record)
        case MeshKey.sealedNamespace:
            let record = try SealedRecord(verifying: value)
            guard MeshKey.sealed(by: record.signer) == key else { throw .wrongSigner }
            try record.checkTime(unixMilliseconds: unixMilliseconds)
            self = .sealed(record)
        default: throw .malformed("the key is in no namespace of the mesh")
        }
    }

    /// The namespaces that these rules are for, without slashes.
    package static let namespaces = [MeshKey.workerNamespace, MeshKey.nodeNamespace, MeshKey.sealedNamespace]

    /// Grows with each value under one key.
    package var sequence: UInt64 {
        switch self {
        case .worker(let record): record.content.sequence
        case .node(let record): record.content.sequence
        case .sealed(let record): record.sequence
        }
    }

    /// Wall time after which the value counts for nothing, in milliseconds since 1970.
    package var expires: UInt64 {
        switch self {
        case .worker(let record): record.content.expires
        case .node(let record): record.content.expires
        case .sealed(let record): record.expires
        }
    }

    /// The value as it travels.
    package var envelope: [UInt8] {
        switch self {
        case .worker(let record): record.envelope
        case .node(let record): record.envelope
        case .sealed(let record): record.envelope
        }
    }

    /// Whether this value replaces another of the same key: the higher sequence, at equal sequences the greater bytes.
    package func replaces(_ other: MeshRecord) -> Bool {
        guard self.sequence == other.sequence else { return self.sequence > other.sequence }
        return other.envelope.lexicographicallyPrecedes(self.envelope)
    }

    /// The position of the value that counts among several of one key; nil when none is valid.
    package static func select(key: [UInt8], values: [[UInt8]], unixMilliseconds: UInt64) -> Int? {
        var best: (index: Int, record: MeshRecord)?
        for (index, value) in values.enumerated() {
            let checked = try? MeshRecord(key: key, value: value, unixMilliseconds: unixMilliseconds)
            guard let record = checked else { continue }
            if best.map({ record.replaces($0.record) }) ?? true { best = (index, record) }
        }
        return best?.index
    }

    /// The text between the first two slashes of a key; nil when there is none.
    private static func namespace(of key: [UInt8]) -> String? {
        guard key.count <= self.maximumKeyBytes, key.first == UInt8(ascii: "/") else { return nil }
        let rest = key.dropFirst()
        guard let end = rest.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        return String(validating: rest[..<end], as: UTF8.self)
    }
}
