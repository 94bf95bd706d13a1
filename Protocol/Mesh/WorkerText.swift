/// The bounds of texts in records and headers (Specs/records.md, section 2). Every one of these texts may end up on a
/// terminal, so none may carry what a terminal obeys.
package enum WorkerText {
    /// The longest tag, in bytes.
    package static let tagBytes = 32
    /// The longest version, in bytes.
    package static let versionBytes = 64
    /// The longest summary of a worker, in bytes of UTF-8.
    package static let summaryBytes = 200
    /// The longest summary of a method, in bytes of UTF-8.
    package static let methodSummaryBytes = 120

    /// Whether a text is 1 to ``tagBytes`` of `a-z`, `0-9` and `-`, starting with a letter or a digit.
    package static func isTag(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...self.tagBytes).contains(bytes.count) && bytes.first != UInt8(ascii: "-")
            && bytes.allSatisfy { self.isLower($0) || self.isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// Whether a text is 1 to ``CallLimits/methodBytes`` of letters, digits and `. _ / -`.
    package static func isMethod(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...CallLimits.methodBytes).contains(bytes.count)
            && bytes.allSatisfy { self.isLetterOrDigit($0) || "._/-".utf8.contains($0) }
    }

    /// Whether a text is 1 to ``versionBytes`` of letters, digits and `. + -`.
    package static func isVersion(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...self.versionBytes).contains(bytes.count)
            && bytes.allSatisfy { self.isLetterOrDigit($0) || ".+-".utf8.contains($0) }
    }

    /// Whether a text has at most `limit` bytes of UTF-8 and no character that a terminal or an editor obeys.
    package static func isPrintable(_ text: String, limit: Int) -> Bool {
        text.utf8.count <= limit && text.unicodeScalars.allSatisfy { !self.isControl($0) }
    }

    /// The text with every control character replaced by U+FFFD.
    package static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: self.isControl) else { return text }
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { scalars.append(self.isControl(scalar) ? "\u{FFFD}" : scalar) }
        return String(scalars)
    }

    /// The longest start of a text that has at most `limit` bytes of UTF-8 and ends at a character's end.
    package static func cut(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var byteCount = 0
        var end = text.startIndex
        for index in text.indices {
            byteCount += text[index].utf8.count
            guard byteCount <= limit else { break }
            end = text.index(after: index)
        }
        return String(text[..<end])
    }

    /// Control characters: C0, DEL, C1, line and paragraph separators, and the marks that turn the direction of text.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1f, 0x7f...0x9f, 0x061c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        self.isLower(byte) || self.isDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}
