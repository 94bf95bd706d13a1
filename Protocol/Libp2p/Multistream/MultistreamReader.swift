import Wire

/// Cuts messages out of a byte stream and never reads beyond the message it returns: what follows belongs to the
/// protocol that was agreed on.
struct MultistreamReader: Sendable {
    private static let header = Multistream.message(Multistream.header)

    /// The message so far, with its length in front.
    private var message: [UInt8] = []
    private var isHeaderRead = false

    /// The next message without its line feed, taken off the front of `bytes`; nil when it is not complete. The header
    /// is checked byte by byte, so that another protocol is recognised at once, and is returned like a message.
    mutating func next(_ bytes: inout ArraySlice<UInt8>) throws(MultistreamFailure) -> String? {
        while true {
            if !self.isHeaderRead {
                guard Self.header.starts(with: self.message) else { throw .wrongHeader }
                if self.message.count == Self.header.count {
                    self.isHeaderRead = true
                    self.message.removeAll()
                    return Multistream.header
                }
                guard self.take(Self.header.count - self.message.count, from: &bytes) else { return nil }
            } else if let missing = try self.missingByteCount() {
                if missing == 0 { return try self.takeMessage() }
                guard self.take(missing, from: &bytes) else { return nil }
            } else {
                guard self.take(1, from: &bytes) else { return nil }
            }
        }
    }

    private mutating func take(_ count: Int, from bytes: inout ArraySlice<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return false }
        let taken = bytes.prefix(count)
        self.message.append(contentsOf: taken)
        bytes = bytes.dropFirst(taken.count)
        return true
    }

    /// How many bytes the message still lacks; nil while its length is not known.
    private func missingByteCount() throws(MultistreamFailure) -> Int? {
        let length: (value: UInt64, byteCount: Int)?
        do { length = try Varint.decode(self.message[...]) } catch { throw .malformedMessage }
        guard let length else {
            // Two bytes of a varint reach beyond the longest message.
            guard self.message.count < 2 else { throw .malformedMessage }
            return nil
        }
        guard (1...UInt64(Multistream.maximumMessageBytes)).contains(length.value) else { throw .malformedMessage }
        return length.byteCount + Int(length.value) - self.message.count
    }

    private mutating func takeMessage() throws(MultistreamFailure) -> String {
        defer { self.message.removeAll(keepingCapacity: true) }
        let prefixByteCount = self.message.count > 0x80 ? 2 : 1
        let line = self.message.dropFirst(prefixByteCount)
        guard line.last == UInt8(ascii: "\n"), let text = String(validating: line.dropLast(), as: UTF8.self) else {
            throw .malformedMessage
        }
        return text
    }
}
