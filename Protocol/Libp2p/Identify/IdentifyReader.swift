package import Identity
import Wire

/// Gathers what comes on an identify stream, whichever side opened it, and checks it at the end (Specs/libp2p.md,
/// section 6). A peer may cut a long description into several messages.
package struct IdentifyReader: Sendable {
    /// The messages without their lengths, one behind the other: for Protocol Buffers that merges them.
    private var merged: [UInt8] = []
    /// A message, with its length, that is not complete.
    private var partial: [UInt8] = []
    private var messageCount = 0

    package init() {}

    /// Takes in bytes of the stream, cut anywhere.
    ///
    /// - Throws: ``IdentifyFailure``; reset the stream then.
    package mutating func receive(_ bytes: ArraySlice<UInt8>) throws(IdentifyFailure) {
        var rest = bytes
        while !rest.isEmpty {
            let end = try self.endOfPartial() ?? self.partial.count + 1
            let taken = rest.prefix(end - self.partial.count)
            self.partial.append(contentsOf: taken)
            rest = rest.dropFirst(taken.count)
            try self.takeCompleteMessage()
        }
    }

    /// What the peer said, after it finished the stream. `peer` is the authenticated peer at the other end: what it
    /// signed or claimed for another is left out.
    ///
    /// - Throws: ``IdentifyFailure``.
    package func finish(from peer: PeerID) throws(IdentifyFailure) -> PeerDescription {
        guard self.partial.isEmpty, self.messageCount > 0 else { throw .incomplete }
        let message: IdentifyMessage
        do {
            message = try decode(
                IdentifyMessage.self, self.merged,
                limit: PeerDescription.maximumReceivedBytes * PeerDescription.maximumMessageCount)
        } catch { throw .malformed("\(error)") }
        return try PeerDescription(message, from: peer)
    }

    /// Where the message ends that has begun, counted from its length; nil while the length is not complete.
    private func endOfPartial() throws(IdentifyFailure) -> Int? {
        let length: (value: UInt64, byteCount: Int)?
        do { length = try Varint.decode(self.partial[...]) } catch { throw .malformed("\(error)") }
        guard let length else { return nil }
        guard length.value <= UInt64(PeerDescription.maximumReceivedBytes) else {
            throw .messageTooLong(limitBytes: PeerDescription.maximumReceivedBytes)
        }
        return length.byteCount + Int(length.value)
    }

    private mutating func takeCompleteMessage() throws(IdentifyFailure) {
        guard let end = try self.endOfPartial(), end == self.partial.count else { return }
        guard self.messageCount < PeerDescription.maximumMessageCount else {
            throw .tooManyMessages(limit: PeerDescription.maximumMessageCount)
        }
        self.messageCount += 1
        let prefixByteCount = self.partial.firstIndex { $0 < 0x80 }.map { $0 + 1 } ?? end
        self.merged.append(contentsOf: self.partial[prefixByteCount...])
        self.partial.removeAll(keepingCapacity: true)
    }
}
