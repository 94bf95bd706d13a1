/// The ping protocol (libp2p specs, ping/ping.md; Specs/libp2p.md, section 7): 32 bytes that come back unchanged.
package enum Ping {
    package static let protocolID = "/ipfs/ping/1.0.0"
    /// The length of a ping, in bytes.
    package static let byteCount = 32
    /// The streams on which one peer is answered at once.
    package static let inboundStreamLimit = 2
    /// How long an answer may take, in milliseconds.
    package static let timeoutMilliseconds: UInt64 = 10_000
}

/// Answers pings on one stream. A last piece that is no whole ping is not answered.
package struct PingResponder: Sendable {
    private var partial: [UInt8] = []

    package init() {}

    /// Takes in bytes of the stream, cut anywhere.
    ///
    /// - Returns: what to send back: whole pings, no more bytes than came and 31. Write it before more is taken in, so
    ///   that a peer who does not read is not answered without bound.
    package mutating func receive(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var answer = self.partial + bytes
        let extra = answer.count % Ping.byteCount
        self.partial = Array(answer.suffix(extra))
        answer.removeLast(extra)
        return answer
    }
}

/// Sends pings on one stream, one at a time, and measures.
package struct PingRequester: Sendable {
    /// The peer sent back something else than it got, or something that it was not asked for. Reset the stream.
    package struct WrongAnswer: Error, Equatable, CustomStringConvertible {
        package init() {}
        package var description: String { "the peer answered a ping with other bytes" }
    }

    private var expected: ArraySlice<UInt8> = []
    private var sentNanoseconds: UInt64 = 0

    package init() {}

    /// Begins a ping. The one before must have been answered.
    ///
    /// - Parameters:
    ///   - payload: 32 random bytes: they must be sent now.
    ///   - nowNanoseconds: the time, for the round trip.
    package mutating func begin(payload: [UInt8], nowNanoseconds: UInt64) {
        precondition(payload.count == Ping.byteCount && self.expected.isEmpty, "one ping of 32 bytes at a time")
        self.expected = payload[...]
        self.sentNanoseconds = nowNanoseconds
    }

    /// Takes in bytes of the stream, cut anywhere.
    ///
    /// - Returns: the round trip in nanoseconds when the answer is complete, else nil.
    /// - Throws: ``WrongAnswer``.
    package mutating func receive(_ bytes: ArraySlice<UInt8>, nowNanoseconds: UInt64) throws(WrongAnswer) -> UInt64? {
        guard self.expected.starts(with: bytes) else { throw WrongAnswer() }
        guard !bytes.isEmpty else { return nil }
        self.expected = self.expected.dropFirst(bytes.count)
        return self.expected.isEmpty ? nowNanoseconds &- self.sentNanoseconds : nil
    }
}
