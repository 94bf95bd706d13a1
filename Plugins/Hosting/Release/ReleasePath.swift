/// The rules for a path in a release (Specs/release.md, section 1), equal for packing and unpacking.
enum ReleasePath {
    /// What is wrong with one name of a path; nil when it may be packed.
    static func problem(withName name: [UInt8]) -> String? {
        if name.isEmpty || name == [UInt8(ascii: ".")] { return "an empty name or `.` is not allowed" }
        if name[0] == UInt8(ascii: ".") { return "names that begin with `.` are not packed" }
        if name.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) {
            return "a name contains a control character or a backslash"
        }
        return String(validating: name, as: UTF8.self) == nil ? "a name is not UTF-8" : nil
    }

    /// What is wrong with a whole path of names joined by `/`; nil when it is fine.
    static func problem(withPath path: [UInt8], depth: Int) -> String? {
        guard path.count <= ReleaseLimits.pathBytes else {
            return "the path is longer than \(ReleaseLimits.pathBytes) bytes"
        }
        let names = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard names.count <= depth + 1 else { return "it lies deeper than \(depth) folders" }
        for name in names {
            if let problem = self.problem(withName: Array(name)) { return problem }
        }
        return self.split(path) == nil ? "no `/` divides the path into at most 155 and 100 bytes" : nil
    }

    /// The prefix and name fields of a path (section 2): the name alone when it fits, else cut at the first `/` that
    /// leaves a name of at most 100 bytes.
    static func split(_ path: [UInt8]) -> (prefix: ArraySlice<UInt8>, name: ArraySlice<UInt8>)? {
        if path.count <= 100 { return ([], path[...]) }
        guard
            let cut = path.indices.first(where: { path[$0] == UInt8(ascii: "/") && path.count - $0 - 1 <= 100 }),
            cut <= 155, cut > 0
        else { return nil }
        return (path[..<cut], path[(cut + 1)...])
    }
}

/// One file of a release.
struct ReleaseEntry: Hashable {
    /// Names joined by `/`, UTF-8.
    var path: [UInt8]
    var isExecutable: Bool
    var byteCount: UInt64
}

extension ReleaseEntry {
    /// Bytes of a ustar block.
    static var blockBytes: Int { 512 }

    /// NUL bytes that fill the data to a whole block.
    var paddingBytes: Int { (Self.blockBytes - Int(self.byteCount % UInt64(Self.blockBytes))) % Self.blockBytes }

    /// The 512 bytes before the data of the file (section 2). The path obeys ``ReleasePath``.
    func header() -> [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        func put(_ bytes: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in bytes.enumerated() { block[offset + index] = byte }
        }
        func put(octal value: UInt64, digits: Int, at offset: Int) {
            let text = String(value, radix: 8)
            put((String(repeating: "0", count: max(0, digits - text.utf8.count)) + text).utf8, at: offset)
        }
        let (prefix, name) = ReleasePath.split(self.path) ?? ([], self.path.prefix(100))
        put(name, at: 0)
        put(octal: self.isExecutable ? 0o755 : 0o644, digits: 7, at: 100)
        put(octal: 0, digits: 7, at: 108)
        put(octal: 0, digits: 7, at: 116)
        put(octal: self.byteCount, digits: 11, at: 124)
        put(octal: 0, digits: 11, at: 136)
        put([UInt8](repeating: UInt8(ascii: " "), count: 8), at: 148)
        put([UInt8(ascii: "0")], at: 156)
        put("ustar".utf8, at: 257)
        put("00".utf8, at: 263)
        put(octal: 0, digits: 7, at: 329)
        put(octal: 0, digits: 7, at: 337)
        put(prefix, at: 345)
        let sum = block.reduce(0) { $0 + UInt64($1) }
        put(octal: sum, digits: 6, at: 148)
        block[154] = 0
        return block
    }

    /// Reads a header, and refuses everything that ``header()`` would not have written.
    ///
    /// - Returns: nil when the block is no header of this form.
    init?(header block: [UInt8]) {
        func field(_ range: Range<Int>) -> ArraySlice<UInt8> { block[range].prefix { $0 != 0 } }
        func octal(_ range: Range<Int>) -> UInt64? {
            UInt64(String(decoding: field(range), as: UTF8.self), radix: 8)
        }
        guard block.count == Self.blockBytes, let mode = octal(100..<108), let byteCount = octal(124..<136) else {
            return nil
        }
        let prefix = field(345..<500)
        let name = field(0..<100)
        let path = prefix.isEmpty ? Array(name) : prefix + [UInt8(ascii: "/")] + name
        self.init(path: path, isExecutable: mode == 0o755, byteCount: byteCount)
        guard !path.isEmpty, path.count <= ReleaseLimits.pathBytes, self.header() == block else { return nil }
    }
}
