import Cryptography
import Wire

/// The encrypted channel after the handshake: records of at most 65,535 bytes behind a length of two bytes, most
/// significant first (libp2p specs, noise/README.md, "Wire Format").
package struct NoiseTransport: ~Copyable {
    /// What one record carries at most, in bytes.
    package static let maximumPlaintextBytes = 65_519
    /// What a record has besides its plaintext, in bytes: length and tag.
    package static let overheadBytes = 18

    private var sealer: ChaChaPoly.Sealer
    private var opener: ChaChaPoly.Opener
    // A counter of 64 bits is not used up in the life of a connection: 2^64 records of one byte take centuries.
    private var sentCount: UInt64 = 0
    private var receivedCount: UInt64 = 0
    /// The start of a record, with its length, whose rest has not come.
    private var partial: [UInt8] = []

    package init(sendingKey: [UInt8], receivingKey: [UInt8]) {
        self.sealer = ChaChaPoly.Sealer(key: sendingKey)
        self.opener = ChaChaPoly.Opener(key: receivingKey)
    }

    /// Bytes of a record whose rest has not come.
    package var partialByteCount: Int { self.partial.count }

    /// Appends one record with `plaintext`, at most ``maximumPlaintextBytes``, to `output`.
    package mutating func seal(_ plaintext: [UInt8], appendingTo output: inout [UInt8]) {
        precondition(plaintext.count <= Self.maximumPlaintextBytes, "a Noise record holds at most 65,519 bytes")
        output.appendBigEndian(UInt16(plaintext.count + ChaChaPoly.tagByteCount))
        self.sealer.seal(plaintext.span.bytes, nonce: .init(counter: self.sentCount), appendingTo: &output)
        self.sentCount += 1
    }

    /// Decrypts the next record of what came, cut anywhere. A complete record is read where it lies; only the start of an
    /// incomplete one is kept. Each record has storage of its own, so that what is kept of one holds no other.
    ///
    /// - Parameters:
    ///   - bytes: what came.
    ///   - offset: where in `bytes` to go on; moved behind what was used.
    /// - Returns: the plaintext; nil when everything was used and no record is complete.
    /// - Throws: ``NoiseFailure/authenticationFailed(message:)`` or ``NoiseFailure/recordTooShort(byteCount:)``. The
    ///   channel is broken then.
    package mutating func next(_ bytes: RawSpan, at offset: inout Int) throws(NoiseFailure) -> [UInt8]? {
        while offset < bytes.byteCount {
            if self.partial.isEmpty, let end = try Self.endOfRecord(bytes, at: offset), end <= bytes.byteCount {
                let record = bytes.extracting(offset + 2..<end)
                offset = end
                return try self.open(record)
            }
            offset += try self.gather(bytes.extracting(offset..<bytes.byteCount))
            if let end = try Self.endOfRecord(self.partial.span.bytes, at: 0), end == self.partial.count {
                let record = self.partial
                self.partial = []
                return try self.open(record.span.bytes.extracting(2..<end))
            }
        }
        return nil
    }

    /// Decrypts everything that came, cut anywhere, and appends it to `plaintext`.
    ///
    /// - Throws: as ``next(_:at:)``.
    package mutating func open(_ bytes: RawSpan, appendingTo plaintext: inout [UInt8]) throws(NoiseFailure) {
        var offset = 0
        while let record = try self.next(bytes, at: &offset) { plaintext += record }
    }

    /// Where a record that begins at `start` ends; nil when its length is not there.
    private static func endOfRecord(_ bytes: RawSpan, at start: Int) throws(NoiseFailure) -> Int? {
        guard start + 2 <= bytes.byteCount else { return nil }
        let length = Int(bytes.byte(at: start)) << 8 | Int(bytes.byte(at: start + 1))
        guard length >= ChaChaPoly.tagByteCount else { throw .recordTooShort(byteCount: length) }
        return start + 2 + length
    }

    /// Adds to the partial record what it lacks and says how many bytes that took.
    private mutating func gather(_ bytes: RawSpan) throws(NoiseFailure) -> Int {
        let end = try Self.endOfRecord(self.partial.span.bytes, at: 0) ?? 2
        let count = min(end - self.partial.count, bytes.byteCount)
        self.partial.reserveCapacity(end)
        bytes.extracting(0..<count).withUnsafeBytes { self.partial.append(contentsOf: $0) }
        return count
    }

    private mutating func open(_ record: RawSpan) throws(NoiseFailure) -> [UInt8] {
        var plaintext: [UInt8] = []
        do {
            try self.opener.open(record, nonce: .init(counter: self.receivedCount), appendingTo: &plaintext)
        } catch {
            throw .authenticationFailed(message: Int(clamping: self.receivedCount) + 4)
        }
        self.receivedCount += 1
        return plaintext
    }
}
