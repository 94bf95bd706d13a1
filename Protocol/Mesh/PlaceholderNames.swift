// Stands in for `Identity.PeerID` and `Identity.WorkerName` until these are there; then this file goes.

package struct PeerID: Sendable, Hashable, CustomStringConvertible {
    package let description: String
    package init(_ text: String) { self.description = text }
}

package struct WorkerName: Sendable, Hashable, CustomStringConvertible {
    package let publisher: PeerID
    package let name: String
    package init(publisher: PeerID, name: String) {
        self.publisher = publisher
        self.name = name
    }
    package var description: String { "dsmp://\(self.publisher)/\(self.name)" }
}
