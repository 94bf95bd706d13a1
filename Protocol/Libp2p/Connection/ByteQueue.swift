import DequeModule

/// Bytes that wait, first in first out, as the chunks they came in. Large chunks are kept without a copy; small ones are
/// gathered, so that a peer who sends single bytes costs what the bytes cost and not an allocation for each.
package struct ByteQueue: Sendable {
    /// Chunks up to this many bytes are gathered into a common one.
    package static let gatheredByteCount = 2048
    /// A gathered chunk takes no more after this many bytes.
    package static let gatheringByteCount = 16384

    private var chunks: Deque<ArraySlice<UInt8>> = []
    private var isLastGathered = false
    /// The number of bytes that wait.
    package private(set) var count = 0

    package init() {}

    /// True when nothing waits.
    package var isEmpty: Bool { self.count == 0 }

    /// Adds bytes behind those that wait. A chunk over ``gatheredByteCount`` keeps the storage it shares.
    package mutating func append(_ bytes: ArraySlice<UInt8>) {
        guard !bytes.isEmpty else { return }
        self.count += bytes.count
        guard bytes.count <= Self.gatheredByteCount else {
            self.chunks.append(bytes)
            self.isLastGathered = false
            return
        }
        let last = self.chunks.count - 1
        if self.isLastGathered, last >= 0, self.chunks[last].count < Self.gatheringByteCount {
            self.chunks[last].append(contentsOf: bytes)
        } else {
            self.chunks.append(Array(bytes)[...])
            self.isLastGathered = true
        }
    }

    /// Removes the first chunk, or its first `limit` bytes; nil when nothing waits. The bytes share their storage.
    package mutating func removeFirst(atMost limit: Int = .max) -> ArraySlice<UInt8>? {
        guard limit > 0, let chunk = self.chunks.popFirst() else { return nil }
        let taken = chunk.prefix(limit)
        if taken.count < chunk.count { self.chunks.prepend(chunk.dropFirst(taken.count)) }
        if self.chunks.isEmpty { self.isLastGathered = false }
        self.count -= taken.count
        return taken
    }

    /// Moves the first `count` bytes to the end of `output`. There must be as many.
    package mutating func moveFirst(_ count: Int, to output: inout [UInt8]) {
        precondition(count <= self.count, "a queue gives no more bytes than it holds")
        var missing = count
        while missing > 0, let chunk = self.removeFirst(atMost: missing) {
            output.append(contentsOf: chunk)
            missing -= chunk.count
        }
    }

    /// Drops everything.
    package mutating func removeAll() {
        self.chunks.removeAll()
        self.isLastGathered = false
        self.count = 0
    }
}
