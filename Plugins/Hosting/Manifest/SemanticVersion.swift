/// A release of a worker: `MAJOR.MINOR.PATCH` with an optional pre-release part (semver.org, 2.0.0, without build
/// metadata).
package struct SemanticVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let major: UInt32
    package let minor: UInt32
    package let patch: UInt32
    /// The part after `-`, empty for a release proper.
    package let preRelease: String

    package init(major: UInt32, minor: UInt32, patch: UInt32, preRelease: String = "") {
        self.major = major
        self.minor = minor
        self.patch = patch
        self.preRelease = preRelease
    }

    /// - Returns: nil when the text is not a version of at most 64 bytes.
    package init?(_ text: String) {
        guard text.utf8.count <= ManifestLimits.releaseBytes else { return nil }
        let halves = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = halves[0].split(separator: ".", omittingEmptySubsequences: false).map(Self.number)
        guard numbers.count == 3, let major = numbers[0], let minor = numbers[1], let patch = numbers[2] else {
            return nil
        }
        let preRelease = halves.count == 2 ? String(halves[1]) : ""
        guard halves.count == 1 || Self.isPreRelease(preRelease) else { return nil }
        self.init(major: major, minor: minor, patch: patch, preRelease: preRelease)
    }

    package var description: String {
        "\(self.major).\(self.minor).\(self.patch)" + (self.preRelease.isEmpty ? "" : "-\(self.preRelease)")
    }

    /// Precedence as in semver.org, item 11.
    package static func < (left: SemanticVersion, right: SemanticVersion) -> Bool {
        let leftNumbers = (left.major, left.minor, left.patch)
        let rightNumbers = (right.major, right.minor, right.patch)
        if leftNumbers != rightNumbers { return leftNumbers < rightNumbers }
        if left.preRelease.isEmpty || right.preRelease.isEmpty {
            return !left.preRelease.isEmpty && right.preRelease.isEmpty
        }
        let leftParts = left.preRelease.split(separator: ".")
        let rightParts = right.preRelease.split(separator: ".")
        for (leftPart, rightPart) in zip(leftParts, rightParts) where leftPart != rightPart {
            switch (UInt64(leftPart), UInt64(rightPart)) {
            case (let leftNumber?, let rightNumber?) where leftNumber != rightNumber: return leftNumber < rightNumber
            case (.some, nil): return true
            case (nil, .some): return false
            default: return Array(leftPart.utf8).lexicographicallyPrecedes(Array(rightPart.utf8))
            }
        }
        return leftParts.count < rightParts.count
    }

    private static func number(_ text: Substring) -> UInt32? {
        let isPlain = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isPlain, text == "0" || !text.hasPrefix("0") else { return nil }
        return UInt32(text)
    }

    private static func isPreRelease(_ text: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "-") }
        }
    }
}

extension UInt8 {
    /// Whether the byte is an ASCII letter or digit.
    var isLetterOrDigit: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    /// Whether the byte is a digit, a lower-case ASCII letter or a hyphen: what names and tags are made of.
    var isNameByte: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
