extension [UInt8] {
    /// Appends a varint. Traps above ``Varint/maximum``: our own numbers never are.
    package mutating func appendVarint(_ value: UInt64) {
        precondition(value <= Varint.maximum, "a varint carries 63 bits")
        var rest = value
        while rest >= 0x80 {
            self.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        self.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Appends a fixed-width integer, most significant byte first.
    package mutating func appendBigEndian<Integer: FixedWidthInteger & UnsignedInteger>(_ value: Integer) {
        for index in stride(from: Integer.bitWidth - 8, through: 0, by: -8) {
            self.append(UInt8(truncatingIfNeeded: value >> Integer(index)))
        }
    }

    /// Appends the varint of the length of `bytes`, then the bytes.
    package mutating func appendLengthPrefixed(_ bytes: some Collection<UInt8>) {
        self.appendVarint(UInt64(bytes.count))
        self.append(contentsOf: bytes)
    }

    /// Appends the varint of the length of the text in UTF-8, then the text.
    package mutating func appendLengthPrefixed(_ text: String) { self.appendLengthPrefixed(text.utf8) }

    /// The bytes that a text of hexadecimal digits stands for; nil when it holds anything else or an odd count.
    package init?(hexadecimal text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        self.init()
        self.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.digitValue(digits[index]), let low = Self.digitValue(digits[index + 1]) else {
                return nil
            }
            self.append(high << 4 | low)
        }
    }

    private static func digitValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Sequence where Element == UInt8 {
    /// The bytes as lowercase hexadecimal digits.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(2 * self.underestimatedCount)
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 0xf)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
