/// A value that a node holds.
package struct StoredValue: Hashable, Sendable {
    /// The record.
    package var record: ValueRecord
    /// When it was received or last renewed, in Unix milliseconds of this node.
    package var receivedAtUnixMilliseconds: UInt64
    /// When it is dropped, in Unix milliseconds of this node.
    package var expiresAtUnixMilliseconds: UInt64
    /// Whether this node publishes it, and puts it again until told otherwise.
    package var isOwn: Bool

    package init(
        record: ValueRecord, receivedAtUnixMilliseconds: UInt64, expiresAtUnixMilliseconds: UInt64, isOwn: Bool
    ) {
        self.record = record
        self.receivedAtUnixMilliseconds = receivedAtUnixMilliseconds
        self.expiresAtUnixMilliseconds = expiresAtUnixMilliseconds
        self.isOwn = isOwn
    }
}

/// Why a store did not take an entry.
package enum StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It holds as many entries as it may, and none has expired.
    case full(limit: Int)
    /// The medium failed; the text says how.
    case failed(String)

    package var description: String {
        switch self {
        case .full(let limit): "the store holds its \(limit) entries; wait until some expire"
        case .failed(let reason): "the store failed: \(reason)"
        }
    }
}

/// Where a node keeps the values of the table, its own and those of others (Specs/kademlia.md, section 5).
///
/// It decides nothing: records are validated and ranked before they get here. Called from one actor at a time. A
/// class conforms with plain methods; the implementation in memory is a value.
package protocol RecordStore: Sendable {
    /// The value under a key, expired or not.
    func value(forKey key: [UInt8]) throws -> StoredValue?

    /// Stores a value in the place of what was under its key.
    ///
    /// - Throws: ``StoreError/full(limit:)`` for a new key when ``KademliaLimits/maximumValueCount`` are held. Own values always fit.
    mutating func store(_ value: StoredValue) throws

    /// Removes what is under a key, if anything.
    mutating func removeValue(forKey key: [UInt8]) throws

    /// Removes the values of others that have expired. Own ones stay until they are removed.
    mutating func removeExpired(atUnixMilliseconds now: UInt64) throws

    /// The values this node publishes, by key in lexicographic order.
    func ownValues() throws -> [StoredValue]

    /// How many values are held.
    func count() throws -> Int
}

/// A record store that lasts as long as the process: for tests, simulations and agents without a disk.
package struct MemoryRecordStore: RecordStore {
    private var values: [[UInt8]: StoredValue] = [:]
    private let limit: Int

    /// An empty store.
    package init(limit: Int = KademliaLimits.maximumValueCount) { self.limit = limit }

    package func value(forKey key: [UInt8]) -> StoredValue? { self.values[key] }

    package mutating func store(_ value: StoredValue) throws {
        let isNew = self.values[value.record.key] == nil
        guard !isNew || value.isOwn || self.values.count < self.limit else { throw StoreError.full(limit: self.limit) }
        self.values[value.record.key] = value
    }

    package mutating func removeValue(forKey key: [UInt8]) { self.values[key] = nil }

    package mutating func removeExpired(atUnixMilliseconds now: UInt64) {
        self.values = self.values.filter { $0.value.isOwn || $0.value.expiresAtUnixMilliseconds > now }
    }

    package func ownValues() -> [StoredValue] {
        self.values.values.filter(\.isOwn).sorted { $0.record.key.lexicographicallyPrecedes($1.record.key) }
    }

    package func count() -> Int { self.values.count }
}
