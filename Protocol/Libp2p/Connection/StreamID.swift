/// Names one stream of one connection. A name is never given twice within a connection, so that a late call about a
/// stream that ended finds nothing instead of another stream that took its place.
package struct StreamID: Hashable, Sendable, CustomStringConvertible {
    /// The place of the stream in the session's table.
    let slot: UInt32
    /// Differs from the serial of whoever had the place before.
    let serial: UInt32

    package var description: String { "stream \(self.slot).\(self.serial)" }
}
