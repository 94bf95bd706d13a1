/// Text forms of bytes, with or without the letter that names the base (multiformats/multibase).
package enum Multibase: UInt8, CaseIterable, Sendable {
    case base58btc = 0x7a  // z
    case base36 = 0x6b  // k, lowercase
    case base32 = 0x62  // b, lowercase, without padding (RFC 4648)
    case base16 = 0x66  // f, lowercase

    /// The longest text that is decoded, in characters, without the letter of the base. Bases 58 and 36 cost time
    /// quadratic in the length, so the bound is small: identifiers, not content.
    package static let maximumCharacterCount = 512

    /// The letter that stands before a text in this base.
    package var letter: Character { Character(Unicode.Scalar(self.rawValue)) }

    private var alphabet: [UInt8] {
        switch self {
        case .base58btc: Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)
        case .base36: Array("0123456789abcdefghijklmnopqrstuvwxyz".utf8)
        case .base32: Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        case .base16: Array("0123456789abcdef".utf8)
        }
    }

    /// The text of `bytes` behind the letter of the base.
    package func encode(_ bytes: some Collection<UInt8>) -> String { String(self.letter) + self.encodeBare(bytes) }

    /// The text of `bytes` without a letter before it.
    package func encodeBare(_ bytes: some Collection<UInt8>) -> String {
        let alphabet = self.alphabet
        let digits =
            switch self {
            case .base58btc, .base36: Self.digits(of: bytes, radix: alphabet.count)
            case .base32: Self.groups(of: bytes, bitCount: 5)
            case .base16: Self.groups(of: bytes, bitCount: 4)
            }
        return String(decoding: digits.map { alphabet[Int($0)] }, as: UTF8.self)
    }

    /// Decodes a text that starts with the letter of its base.
    ///
    /// - Throws: ``WireError/unsupported(_:)`` for another base, and what ``decodeBare(_:)`` throws.
    package static func decode(_ text: some StringProtocol) throws(WireError) -> (base: Multibase, bytes: [UInt8]) {
        guard let first = text.utf8.first, let base = Multibase(rawValue: first) else {
            throw .unsupported("the multibase of the text")
        }
        // Cut in bytes: a mark that combines with the letter would be cut off with it, as one `Character`.
        return (base, try base.decode(text.utf8.dropFirst()))
    }

    /// Decodes a text in this base without a letter before it.
    ///
    /// - Throws: ``WireError/overLimit(value:limit:)`` above ``maximumCharacterCount``, ``WireError/malformed(_:)`` for
    ///   a character outside the alphabet or left-over bits that are not zero.
    package func decodeBare(_ text: some StringProtocol) throws(WireError) -> [UInt8] {
        try self.decode(text.utf8)
    }

    private func decode(_ text: some Collection<UInt8>) throws(WireError) -> [UInt8] {
        let count = text.count
        guard count <= Self.maximumCharacterCount else {
            throw .overLimit(value: UInt64(count), limit: Self.maximumCharacterCount)
        }
        let alphabet = self.alphabet
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(truncatingIfNeeded: value) }
        var digits: [UInt8] = []
        digits.reserveCapacity(count)
        for character in text {
            let value = values[Int(character)]
            guard value != 0xff else { throw .malformed("a text holds a character that \(self) has not") }
            digits.append(value)
        }
        return switch self {
        case .base58btc, .base36: Self.bytes(ofDigits: digits, radix: alphabet.count)
        case .base32: try Self.bytes(ofGroups: digits, bitCount: 5)
        case .base16: try Self.bytes(ofGroups: digits, bitCount: 4)
        }
    }

    /// The digits of `bytes` read as one number, with one zero digit for each leading zero byte.
    private static func digits(of bytes: some Collection<UInt8>, radix: Int) -> [UInt8] {
        var digits: [UInt8] = []  // Least significant first.
        for byte in bytes.drop(while: { $0 == 0 }) {
            var carry = Int(byte)
            for index in digits.indices {
                carry += Int(digits[index]) << 8
                digits[index] = UInt8(truncatingIfNeeded: carry % radix)
                carry /= radix
            }
            while carry > 0 {
                digits.append(UInt8(truncatingIfNeeded: carry % radix))
                carry /= radix
            }
        }
        let zeroCount = bytes.prefix { $0 == 0 }.count
        return [UInt8](repeating: 0, count: zeroCount) + digits.reversed()
    }

    private static func bytes(ofDigits digits: [UInt8], radix: Int) -> [UInt8] {
        var bytes: [UInt8] = []  // Least significant first.
        for digit in digits.drop(while: { $0 == 0 }) {
            var carry = Int(digit)
            for index in bytes.indices {
                carry += Int(bytes[index]) * radix
                bytes[index] = UInt8(truncatingIfNeeded: carry)
                carry >>= 8
            }
            while carry > 0 {
                bytes.append(UInt8(truncatingIfNeeded: carry))
                carry >>= 8
            }
        }
        let zeroCount = digits.prefix { $0 == 0 }.count
        return [UInt8](repeating: 0, count: zeroCount) + bytes.reversed()
    }

    private static func groups(of bytes: some Collection<UInt8>, bitCount: Int) -> [UInt8] {
        var groups: [UInt8] = []
        groups.reserveCapacity((8 * bytes.count + bitCount - 1) / bitCount)
        let mask = (1 << bitCount) - 1
        var buffer = 0
        var pending = 0
        for byte in bytes {
            buffer = (buffer << 8 | Int(byte)) & 0xffff
            pending += 8
            while pending >= bitCount {
                pending -= bitCount
                groups.append(UInt8(truncatingIfNeeded: buffer >> pending & mask))
            }
        }
        if pending > 0 { groups.append(UInt8(truncatingIfNeeded: buffer << (bitCount - pending) & mask)) }
        return groups
    }

    private static func bytes(ofGroups groups: [UInt8], bitCount: Int) throws(WireError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(groups.count * bitCount / 8)
        var buffer = 0
        var pending = 0
        for group in groups {
            buffer = (buffer << bitCount | Int(group)) & 0xffff
            pending += bitCount
            if pending >= 8 {
                pending -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> pending))
            }
        }
        // A whole group too many, or bits of the last byte that are set, would make two texts of one value.
        guard pending < bitCount, buffer & ((1 << pending) - 1) == 0 else {
            throw .malformed("a text ends within a byte")
        }
        return bytes
    }
}
