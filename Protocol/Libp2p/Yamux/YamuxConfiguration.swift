/// The bounds of a yamux session (Specs/libp2p.md, section 5). The values given are those of our profile.
package struct YamuxConfiguration: Sendable {
    /// The window that both sides begin a stream with, in bytes: fixed by yamux.
    package static let initialWindowBytes = 262_144
    /// The longest body of a DATA frame that we send, in bytes: with its header it fills one Noise record.
    package static let maximumBodyBytes = 65_507
    /// The longest body while other streams wait for their turn, in bytes.
    package static let sharedBodyBytes = 16_384

    /// The largest receive window that a stream grows to, in bytes.
    package var maximumWindowBytes = 16_777_216
    /// Bytes of the connection that were received and not yet consumed by the application, over all streams. It also
    /// bounds the sum of the windows: none grows beyond it.
    package var receiveBudgetBytes = 67_108_864
    /// Bytes of one stream that were written by the application and not yet sent.
    package var sendBufferBytes = 262_144
    /// Streams opened by the peer that may be open at once.
    package var inboundStreamLimit = 1024
    /// Streams opened by us that may be open at once.
    package var outboundStreamLimit = 1024
    /// Streams that one side opened and the other did not yet accept; further ones wait (ours) or are reset (theirs).
    package var acknowledgeBacklog = 256
    /// Answers (pings, resets) that wait to be sent, in bytes, 12 each.
    package var controlQueueBytes = 131_072
    /// Streams opened by the peer that it may reset in a burst.
    package var resetBurst = 1000
    /// Streams opened by the peer that it may reset in a second, for longer than a burst.
    package var resetsPerSecond = 200
    /// The time from one ping to the next, in milliseconds.
    package var pingIntervalMilliseconds: UInt64 = 30_000
    /// The connection is dead when nothing at all came for this long after a ping, in milliseconds.
    package var pingTimeoutMilliseconds: UInt64 = 10_000

    package init() {}
}
