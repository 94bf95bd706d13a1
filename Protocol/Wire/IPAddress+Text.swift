extension IPAddress: CustomStringConvertible {
    /// Reads `192.0.2.1` or `2001:db8::1` (RFC 4291, section 2.2). Octal, hexadecimal and short version 4 forms, which
    /// programs read differently, and zones are refused.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 45 else { return nil }
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let groups = Self.groups(of: text) else { return nil }
            let high = groups[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
            self = .v6(high: high, low: groups[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) })
        } else {
            guard let value = Self.version4(text) else { return nil }
            self = .v4(value)
        }
    }

    /// The text in the recommended form (RFC 5952).
    package var description: String {
        switch self {
        case .v4(let value): "\(value >> 24).\(value >> 16 & 0xff).\(value >> 8 & 0xff).\(value & 0xff)"
        case .v6(0, let low) where low >> 32 == 0xffff:
            "::ffff:\(IPAddress.v4(UInt32(truncatingIfNeeded: low)))"
        case .v6(let high, let low): Self.text(ofGroups: Self.groups(high) + Self.groups(low))
        }
    }

    private static func version4(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }) else {
                return nil
            }
            guard part.utf8.count == 1 || !part.hasPrefix("0"), let octet = UInt8(part) else { return nil }
            value = value << 8 | UInt32(octet)
        }
        return value
    }

    /// The eight groups of a version 6 address.
    private static func groups(of text: some StringProtocol) -> [UInt16]? {
        let characters = Array(text.utf8)
        let colon = UInt8(ascii: ":")
        var gap: Int?
        for index in characters.indices.dropLast() where characters[index] == colon && characters[index + 1] == colon {
            guard gap == nil else { return nil }  // Also refuses ":::".
            gap = index
        }
        guard let gap else {
            guard let groups = self.groups(ofPart: characters[...]), groups.count == 8 else { return nil }
            return groups
        }
        guard let front = self.groups(ofPart: characters[..<gap], allowsVersion4: false),
            let back = self.groups(ofPart: characters[(gap + 2)...]), front.count + back.count <= 7
        else { return nil }
        return front + [UInt16](repeating: 0, count: 8 - front.count - back.count) + back
    }

    /// The groups of a part without "::", whose last may be written as a version 4 address.
    private static func groups(ofPart part: ArraySlice<UInt8>, allowsVersion4: Bool = true) -> [UInt16]? {
        guard !part.isEmpty else { return [] }
        var groups: [UInt16] = []
        let pieces = part.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, piece) in pieces.enumerated() {
            let text = String(decoding: piece, as: UTF8.self)
            if piece.contains(UInt8(ascii: ".")) {
                guard allowsVersion4, index == pieces.count - 1, let value = self.version4(text) else { return nil }
                groups.append(UInt16(truncatingIfNeeded: value >> 16))
                groups.append(UInt16(truncatingIfNeeded: value))
            } else {
                guard (1...4).contains(piece.count), !text.hasPrefix("+"), !text.hasPrefix("-"),
                    let group = UInt16(text, radix: 16)
                else { return nil }
                groups.append(group)
            }
            guard groups.count <= 8 else { return nil }
        }
        return groups
    }

    private static func groups(_ half: UInt64) -> [UInt16] {
        [48, 32, 16, 0].map { UInt16(truncatingIfNeeded: half >> $0) }
    }

    private static func text(ofGroups groups: [UInt16]) -> String {
        // The longest run of two or more zero groups, the first of equals, becomes "::".
        var longest = 0..<0
        var index = 0
        while index < groups.count {
            let end = groups[index...].firstIndex { $0 != 0 } ?? groups.count
            if end - index > max(longest.count, 1) { longest = index..<end }
            index = max(end, index + 1)
        }
        func join(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard !longest.isEmpty else { return join(groups[...]) }
        return join(groups[..<longest.lowerBound]) + "::" + join(groups[longest.upperBound...])
    }
}
