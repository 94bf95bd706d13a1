import Libp2p
import Wire

/// What a reader of a stream waits for. Advanced whenever bytes come, so that the reader is resumed once, with all of it.
struct StreamRead: Sendable {
    private enum Kind {
        case some(maximum: Int)
        case exactly(Int)
        /// A message behind its length as a varint; `length` is nil while that is not complete.
        case message(limit: Int, length: Int?)
    }

    /// Bytes reserved for a message before any of it has come: the length is only a claim.
    private static let reservedBytes = 65_536

    private var kind: Kind
    private var gathered: [UInt8] = []
    private var prefix: [UInt8] = []

    private init(_ kind: Kind) { self.kind = kind }

    /// Whatever is there, at least one byte.
    static func some(maximum: Int) -> StreamRead { StreamRead(.some(maximum: max(maximum, 1))) }
    /// So many bytes; nil when the peer finished before the first.
    static func exactly(_ count: Int) -> StreamRead { StreamRead(.exactly(count)) }
    /// One length-prefixed message of at most `limit` bytes; nil when the peer finished before it.
    static func message(limit: Int) -> StreamRead { StreamRead(.message(limit: limit, length: nil)) }

    /// Takes from the queue what it needs.
    ///
    /// - Parameters:
    ///   - queue: what was received.
    ///   - isEnded: nothing more follows the queue.
    ///   - failure: why the stream is over, if it is; what was received before is still read.
    /// - Returns: nil to wait for more.
    mutating func advance(from queue: inout ByteQueue, isEnded: Bool, failure: StreamError?) -> StreamCore.ReadResult? {
        switch self.kind {
        case .some(let maximum):
            guard queue.isEmpty else {
                let count = min(queue.count, maximum)
                self.gathered.reserveCapacity(count)
                queue.moveFirst(count, to: &self.gathered)
                return .success(self.gathered)
            }
        case .exactly(let count):
            self.gather(count, from: &queue)
            if self.gathered.count == count { return .success(self.gathered) }
        case .message(let limit, var length):
            if length == nil {
                switch self.takeLength(from: &queue, limit: limit) {
                case .success(let known): length = known
                case .failure(let error): return .failure(error)
                }
                self.kind = .message(limit: limit, length: length)
            }
            if let length {
                self.gather(length, from: &queue)
                if self.gathered.count == length { return .success(self.gathered) }
            }
        }
        if let failure { return .failure(failure) }
        guard isEnded else { return nil }
        return self.gathered.isEmpty && self.prefix.isEmpty ? .success(nil) : .failure(.unexpectedEnd)
    }

    private mutating func gather(_ count: Int, from queue: inout ByteQueue) {
        if self.gathered.isEmpty { self.gathered.reserveCapacity(min(count, max(Self.reservedBytes, queue.count))) }
        queue.moveFirst(min(count - self.gathered.count, queue.count), to: &self.gathered)
    }

    private mutating func takeLength(from queue: inout ByteQueue, limit: Int) -> Result<Int?, StreamError> {
        while let byte = queue.removeFirst(atMost: 1) {
            self.prefix.append(contentsOf: byte)
            do {
                guard let (value, _) = try Varint.decode(self.prefix[...]) else { continue }
                guard value <= UInt64(limit) else { return .failure(.messageTooLong(limitBytes: limit)) }
                return .success(Int(value))
            } catch {
                return .failure(.malformedLength)
            }
        }
        return .success(nil)
    }
}
