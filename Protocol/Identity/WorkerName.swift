import Wire

/// A worker by its publisher and name: `dsmp://12D3Koo…/digest` (Specs/vocabulary.md, "worker").
package struct WorkerName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The longest name, in characters.
    package static let maximumNameCharacterCount = 63
    /// The longest text form that is read, in characters.
    package static let maximumCharacterCount = 256
    /// What a text form starts with.
    package static let scheme = "dsmp://"

    package let publisher: PeerID
    package let name: String

    /// - Throws: ``IdentityError/malformed(_:)`` for a name that ``isName(_:)`` refuses.
    package init(publisher: PeerID, name: String) throws(IdentityError) {
        guard Self.isName(name) else {
            throw .malformed(
                .malformed(
                    "\"\(name.prefix(80))\" is no name of a worker: use 1 to 63 of a-z, 0-9 and \"-\", not \"-\" at an end"
                ))
        }
        self.publisher = publisher
        self.name = name
    }

    private static var wrongForm: IdentityError {
        .malformed(.malformed("a worker is written dsmp://<publisher>/<name>"))
    }

    /// Reads the text form, with the publisher in either of its own.
    ///
    /// - Throws: ``IdentityError/malformed(_:)`` or ``IdentityError/key(_:)``.
    package init(_ text: some StringProtocol) throws(IdentityError) {
        guard text.utf8.count <= Self.maximumCharacterCount, text.utf8.starts(with: Self.scheme.utf8) else {
            throw Self.wrongForm
        }
        // Cut in bytes: a slash and a mark that combines with it are one `Character`.
        let parts = Array(text.utf8.dropFirst(Self.scheme.utf8.count))
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 2 else { throw Self.wrongForm }
        try self.init(publisher: PeerID(parts[0]), name: parts[1])
    }

    /// The text form, with the publisher in base 58.
    package var description: String { "\(Self.scheme)\(self.publisher)/\(self.name)" }

    /// True for `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`.
    package static func isName(_ text: some StringProtocol) -> Bool {
        guard (1...self.maximumNameCharacterCount).contains(text.utf8.count) else { return false }
        let hyphen = UInt8(ascii: "-")
        guard !text.hasPrefix("-"), !text.hasSuffix("-") else { return false }
        return text.utf8.allSatisfy { character in
            switch character {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), hyphen: true
            default: false
            }
        }
    }

    package static func < (left: WorkerName, right: WorkerName) -> Bool {
        (left.publisher, left.name) < (right.publisher, right.name)
    }
}
