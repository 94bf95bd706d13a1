package import SwiftProtobuf

/// The deepest nesting of messages that is decoded. Ours nest twice.
package let maximumMessageDepth = 8

/// Decodes a Protocol Buffers message that a peer sent.
///
/// The only way for such bytes into a generated type: the decoder allocates in proportion to its input, so the input is
/// bounded first, nesting is bounded, and unknown fields are dropped instead of being kept. Two bytes on the wire can be
/// an empty element of a list, so a message takes up to a hundred times its size in memory: keep limits small, and copy
/// out what is needed.
///
/// - Parameters:
///   - type: a generated message.
///   - bytes: all of the message.
///   - limit: the greatest size, in bytes, that the protocol allows here.
/// - Returns: the message; its own fields are still to be checked.
/// - Throws: ``WireError/overLimit(value:limit:)`` or ``WireError/malformed(_:)``.
package func decode<Decoded: Message>(
    _ type: Decoded.Type, _ bytes: RawSpan, limit: Int
) throws(WireError) -> Decoded {
    guard bytes.byteCount <= limit else { throw .overLimit(value: UInt64(bytes.byteCount), limit: limit) }
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = maximumMessageDepth
    options.discardUnknownFields = true
    do {
        return try Decoded(serializedBytes: bytes, options: options)
    } catch {
        throw .malformed("a \(type) is malformed: \(error)")
    }
}

/// Decodes a Protocol Buffers message that a peer sent. See ``decode(_:_:limit:)-(_,RawSpan,_)``.
///
/// - Throws: ``WireError/overLimit(value:limit:)`` or ``WireError/malformed(_:)``.
package func decode<Decoded: Message>(
    _ type: Decoded.Type, _ bytes: [UInt8], limit: Int
) throws(WireError) -> Decoded {
    try decode(type, bytes.span.bytes, limit: limit)
}

/// Decodes a Protocol Buffers message that a peer sent, out of a part of a buffer and without a copy. See
/// ``decode(_:_:limit:)-(_,RawSpan,_)``.
///
/// - Throws: ``WireError/overLimit(value:limit:)`` or ``WireError/malformed(_:)``.
package func decode<Decoded: Message>(
    _ type: Decoded.Type, _ bytes: ArraySlice<UInt8>, limit: Int
) throws(WireError) -> Decoded {
    try decode(type, bytes.span.bytes, limit: limit)
}

/// Encodes one of our own messages. Traps when a required field was not set, which is a mistake in our code.
package func encode(_ message: some Message) -> [UInt8] {
    do {
        return try message.serializedBytes()
    } catch {
        preconditionFailure("a message could not be encoded: \(error)")
    }
}
