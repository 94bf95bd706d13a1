/// Sizes as people write them: `1048576`, `64K`, `256M`, `2G`, also with `iB` or `B` after the letter. The letters are
/// powers of 1024.
package enum ByteSize {
    /// The largest size: 1 PiB.
    package static let maximum: UInt64 = 1 << 50

    private static let units: [(letter: Character, shift: UInt64)] = [("T", 40), ("G", 30), ("M", 20), ("K", 10)]

    /// Reads a size.
    package static func parse(_ text: String) throws(FieldProblem) -> UInt64 {
        let problem = FieldProblem("\"\(text)\" is no size; write bytes, or a number with K, M, G or T as in 256M")
        var digits = Substring(text)
        if digits.hasSuffix("iB") { digits = digits.dropLast(2) } else if digits.hasSuffix("B") { digits.removeLast() }
        var shift: UInt64 = 0
        if let unit = Self.units.first(where: { $0.letter == digits.last }) {
            shift = unit.shift
            digits.removeLast()
        } else if digits.count != text.count {
            digits = text.hasSuffix("iB") ? "" : digits
        }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = UInt64(digits) else {
            throw problem
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow, bytes <= Self.maximum else {
            throw FieldProblem("\"\(text)\" is more than \(Self.text(Self.maximum)); write a smaller size")
        }
        return bytes
    }

    /// Writes a size with the largest unit that leaves no remainder, in a form that ``parse(_:)`` reads.
    package static func text(_ bytes: UInt64) -> String {
        for unit in Self.units where bytes != 0 && bytes.trailingZeroBitCount >= unit.shift {
            return "\(bytes >> unit.shift)\(unit.letter)"
        }
        return "\(bytes)"
    }
}
