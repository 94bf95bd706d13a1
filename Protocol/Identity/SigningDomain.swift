/// What a signature is for. Every use of a key has a domain of its own, so that a signature made for one purpose is
/// never valid for another (libp2p specs, RFC 0002). A new record adds its domain here.
package struct SigningDomain: Hashable, Sendable {
    /// The text that is signed along.
    package let text: String
    /// The payload type that belongs to it.
    package let payloadType: [UInt8]

    package init(_ text: String, payloadType: [UInt8]) {
        self.text = text
        self.payloadType = payloadType
    }

    /// The addresses of a peer. The constants of practice (go, js, rust), not those in the text of RFC 0003.
    package static let peerRecord = SigningDomain("libp2p-peer-record", payloadType: [0x03, 0x01])
}
