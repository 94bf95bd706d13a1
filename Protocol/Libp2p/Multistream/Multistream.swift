import Wire

/// The messages of multistream-select 1.0, by which two sides agree on a protocol (libp2p specs,
/// connections/README.md; Specs/libp2p.md, section 3): a varint of the length, the text, a line feed.
package enum Multistream {
    /// The first message of both sides.
    package static let header = "/multistream/1.0.0"
    /// The answer to a proposal that is not supported.
    package static let notAvailable = "na"
    /// The longest message with its line feed, in bytes.
    package static let maximumMessageBytes = 1024
    /// The longest protocol id, in bytes.
    package static let maximumProtocolBytes = 256
    /// The proposals that a listener answers before it gives up, as a count.
    package static let maximumProposals = 20

    /// Appends one message. The text has at most ``maximumMessageBytes`` with the line feed; ours always has.
    package static func append(_ text: String, to output: inout [UInt8]) {
        let byteCount = text.utf8.count + 1
        precondition(byteCount <= self.maximumMessageBytes, "a protocol id is too long to be proposed")
        output.appendVarint(UInt64(byteCount))
        output.append(contentsOf: text.utf8)
        output.append(UInt8(ascii: "\n"))
    }

    /// One message.
    package static func message(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        self.append(text, to: &output)
        return output
    }
}

/// Why a negotiation failed. On a new connection it ends the connection, on a stream it resets the stream.
package enum MultistreamFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The peer does not speak multistream-select 1.0.
    case wrongHeader
    /// A message has no bytes, too many, a length that is no minimal varint, no line feed, or is not UTF-8.
    case malformedMessage
    /// The peer made more proposals than a listener answers.
    case tooManyProposals(limit: Int)
    /// The answer names something that was not proposed.
    case unexpectedAnswer(String)
    /// The peer supports none of the proposals.
    case notSupported([String])

    package var description: String {
        switch self {
        case .wrongHeader: "the peer does not speak \(Multistream.header)"
        case .malformedMessage: "the peer sent a malformed multistream message"
        case .tooManyProposals(let limit): "the peer proposed more than \(limit) protocols"
        case .unexpectedAnswer(let answer): "the peer answered with `\(answer)`, which was not proposed"
        case .notSupported(let proposals): "the peer supports none of: \(proposals.joined(separator: ", "))"
        }
    }
}
