package import ControlAPI

/// The worker and the method in the path of a call: `<prefix>[<publisher>/]<name>/<method>`.
///
/// A worker's name has no upper-case letter and a publisher's base58 peer id has many, which tells the two forms apart
/// (Specs/control-api.md, section 5). A method may contain slashes.
package struct CallTarget: Sendable, Hashable {
    /// `dsmp://<publisher>/<name>`, or a bare name.
    package let worker: String
    package let method: String

    /// - Returns: nil when the path does not begin with the prefix.
    /// - Throws: `usage` when it does and the rest is not a call.
    package init?(path: String, prefix: String) throws(ControlError) {
        guard path.hasPrefix(prefix) else { return nil }
        var parts = path.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        var publisher: Substring?
        if let first = parts.first, first.utf8.contains(where: { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 }) {
            publisher = parts.removeFirst()
        }
        guard parts.count >= 2, parts.allSatisfy({ !$0.isEmpty }) else {
            throw ControlError(
                .usage, "the path of a call is \(prefix)[<publisher>/]<name>/<method>", hint: "see Specs/control-api.md"
            )
        }
        let name = parts.removeFirst()
        self.worker = publisher.map { "dsmp://\($0)/\(name)" } ?? String(name)
        self.method = parts.joined(separator: "/")
    }
}
