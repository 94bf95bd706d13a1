package import FoundationEssentials

// Generated messages keep bytes in Foundation's `Data`. This is the one place that names it, so that a module that uses
// messages needs no import of Foundation: `message.key = key.data`, `Array(message.key)`.
extension Collection where Element == UInt8 {
    /// A copy for a field of a generated message.
    package var data: Data { Data(self) }
}
