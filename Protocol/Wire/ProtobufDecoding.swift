package import SwiftProtobuf

/// The deepest nesting of messages that is decoded. Ours nest twice.
package let maximumMessageDepth = 8

/// Decodes a Protocol Buffers message that a peer sent.
///
/// The only way for such bytes into a generated type: the decoder allocates in proportion to its input, so the input is
/// bounded first, nesting is bounded, and unknown fields are dropped instead of being kept.
///
/// - Parameters:
///   - type: a generated message.
///   - bytes: all of the message.
///   - limit: the greatest size, in bytes, that the protocol allows here.
/// - Throws: ``WireError/overLimit(value:limit:)`` or ``WireError/malformed(_:)``.
package func decode<Decoded: Message>(
    _ type: Decoded.Type, _ bytes: some SwiftProtobufContiguousBytes, limit: Int
) throws(WireError) -> Decoded {
    guard bytes.count <= limit else { throw .overLimit(value: UInt64(bytes.count), limit: limit) }
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = maximumMessageDepth
    options.discardUnknownFields = true
    do {
        return try Decoded(serializedBytes: bytes, options: options)
    } catch {
        throw .malformed("a \(type) is malformed: \(error)")
    }
}

/// Decodes a Protocol Buffers message that a peer sent, out of a part of a buffer. See ``decode(_:_:limit:)``.
///
/// - Throws: ``WireError/overLimit(value:limit:)`` or ``WireError/malformed(_:)``.
package func decode<Decoded: Message>(
    _ type: Decoded.Type, _ bytes: ArraySlice<UInt8>, limit: Int
) throws(WireError) -> Decoded {
    guard bytes.count <= limit else { throw .overLimit(value: UInt64(bytes.count), limit: limit) }
    return try decode(type, Array(bytes), limit: limit)
}

/// Encodes one of our own messages. Traps when a required field was not set, which is a mistake in our code.
package func encode(_ message: some Message) -> [UInt8] {
    do {
        return try message.serializedBytes()
    } catch {
        preconditionFailure("a message could not be encoded: \(error)")
    }
}
