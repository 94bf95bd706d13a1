/// Cuts what a worker prints into lines that are safe to show: printable, bounded, valid UTF-8.
package struct LineSplitter {
    /// The longest line, in bytes; a longer one is cut into several.
    package static let lineBytes = 4_096

    private var pending: [UInt8] = []

    package init() {}

    /// The lines that these bytes complete.
    package mutating func split(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || self.pending.count == Self.lineBytes {
                lines.append(Self.escaped(self.pending))
                self.pending.removeAll(keepingCapacity: true)
            }
            if byte != UInt8(ascii: "\n") { self.pending.append(byte) }
        }
        return lines
    }

    /// What was printed without a line end; nil when there is nothing.
    package mutating func takeRest() -> String? {
        guard !self.pending.isEmpty else { return nil }
        defer { self.pending = [] }
        return Self.escaped(self.pending)
    }

    /// The text with control characters and directional overrides written as `\x..` or `\u{..}`, so that a log cannot
    /// steer a terminal.
    package static func escaped(_ bytes: [UInt8]) -> String {
        var text = ""
        for character in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch character.value {
            case 0x09, 0x20..<0x5C, 0x5D..<0x7F: text.unicodeScalars.append(character)
            case 0x5C: text += "\\\\"
            case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069:
                text += "\\u{\(String(character.value, radix: 16))}"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}
