/// A value under its key, as peers exchange it (Specs/kademlia.md, section 2). Whether it is valid is for the validator of its
/// namespace to say.
package struct ValueRecord: Hashable, Sendable {
    /// `/<namespace>/<rest>`.
    package let key: [UInt8]
    /// At most ``KademliaLimits/maximumValueByteCount`` bytes.
    package let value: [UInt8]

    package init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }
}
