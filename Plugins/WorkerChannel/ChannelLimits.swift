/// The bounds and constants of the worker channel (Specs/worker-channel.md). Both ends enforce all of them.
package enum ChannelLimits {
    /// The one version of the channel that this implementation speaks.
    package static let version: UInt16 = 0
    /// The first bytes of both hellos: the ASCII letters `dsmpwork`.
    package static let magic: [UInt8] = Array("dsmpwork".utf8)
    /// Bytes before the payload of every frame.
    package static let headerBytes = 10
    /// The longest message, in bytes.
    package static let messageBytes = 1_048_576
    /// The longest payload of HELLO, OPEN and END, in bytes.
    package static let controlBytes = 4_096
    /// What a message costs beyond its own bytes, so that empty messages are bounded too (section 5).
    package static let messageOverheadBytes = 16
    /// The most that a balance may reach, in bytes (section 5).
    package static let balanceBytes = 2_147_483_647
    /// The windows that may be announced, in bytes.
    package static let windowBytes = 16_384...16_777_216
    /// The numbers of calls that may be announced.
    package static let calls = 1...4_096
    /// The longest name or SDK text in a hello, in bytes.
    package static let nameBytes = 63
    /// The most fields of an OPEN.
    package static let fields = 32
    /// The longest method name, in bytes.
    package static let methodBytes = 64
    /// The longest caller, idempotency key and trace context, each in bytes.
    package static let fieldBytes = 64
    /// The longest text of an END, in bytes of UTF-8.
    package static let endTextBytes = 1_024
    /// The file descriptor that a worker inherits.
    package static let descriptor: Int32 = 3
}
