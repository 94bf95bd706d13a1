import Wire

/// Reads messages that are preceded by their length from a stream. For one task.
struct MessageReader {
    private let stream: any MeshStream
    private var buffer: [UInt8] = []

    init(_ stream: any MeshStream) { self.stream = stream }

    /// The next message.
    ///
    /// - Throws: ``NetworkError/malformed(_:)`` for a length over the limit, or a stream that ends before the message.
    mutating func message(limit: Int) async throws(NetworkError) -> [UInt8] {
        while true {
            if let (length, prefix) = try self.length(limit: limit), self.buffer.count >= prefix + length {
                let message = Array(self.buffer[prefix..<prefix + length])
                self.buffer.removeFirst(prefix + length)
                return message
            }
            guard let bytes = try await self.stream.read() else {
                throw .malformed("the stream ended before the message did")
            }
            self.buffer += bytes
        }
    }

    /// What follows the messages, in pieces; nil at the end.
    mutating func bytes() async throws(NetworkError) -> [UInt8]? {
        guard self.buffer.isEmpty else {
            defer { self.buffer = [] }
            return self.buffer
        }
        return try await self.stream.read()
    }

    private func length(limit: Int) throws(NetworkError) -> (length: Int, prefixByteCount: Int)? {
        do throws(WireError) {
            guard let (value, byteCount) = try Varint.decode(self.buffer[...]) else { return nil }
            guard let length = Int(exactly: value), length <= limit else {
                throw WireError.overLimit(value: value, limit: limit)
            }
            return (length, byteCount)
        } catch {
            throw .malformed(error.description)
        }
    }
}

extension MeshStream {
    /// Writes a message preceded by its length.
    func writeMessage(_ message: [UInt8]) async throws(NetworkError) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(message.count + Varint.maximumByteCount)
        bytes.appendLengthPrefixed(message)
        try await self.write(bytes)
    }
}
