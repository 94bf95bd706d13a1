internal import Mesh

/// Cuts the body of a request into the messages of a call (Specs/control-api.md, section 5).
///
/// A body of known length that fits one message is one message, an empty one included, as a method that does not stream
/// wants it. A longer one becomes messages of ``groupBytes``. Of a body of unknown length each piece goes on as it
/// comes, so that a dialogue does not stall.
package struct MessageGrouping: Sendable {
    /// The messages of a long body, in bytes.
    package static let groupBytes = 262_144

    private let length: Int?
    private let limit: Int
    private var gathered: [UInt8] = []
    private var received = 0

    /// - Parameter length: of the body in bytes; nil when it is not known beforehand.
    package init(length: Int?) {
        self.length = length
        self.limit = (length ?? 0) <= CallLimits.messageBytes ? CallLimits.messageBytes : Self.groupBytes
    }

    /// Whether as much came as was announced.
    package var isComplete: Bool { self.length.map { $0 == self.received } ?? true }

    /// Takes the next piece and returns the messages that are full.
    package mutating func add(_ piece: some Collection<UInt8>) -> [[UInt8]] {
        self.received += piece.count
        self.gathered.append(contentsOf: piece)
        var messages: [[UInt8]] = []
        while self.gathered.count > self.limit || (self.length == nil && !self.gathered.isEmpty) {
            let count = min(self.limit, self.gathered.count)
            messages.append(Array(self.gathered.prefix(count)))
            self.gathered.removeFirst(count)
        }
        return messages
    }

    /// The last messages.
    package mutating func finish() -> [[UInt8]] {
        guard self.length == 0 || !self.gathered.isEmpty else { return [] }
        defer { self.gathered = [] }
        return [self.gathered]
    }
}
