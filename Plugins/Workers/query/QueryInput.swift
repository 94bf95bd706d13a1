/// What a caller sends to the method `sql`: the statement as plain text, or a JSON object that names a format too.
struct QueryInput: Equatable {
    enum Format: String { case tabs, csv }

    var sql: String
    var format = Format.tabs

    /// Reads the input.
    ///
    /// - Throws: ``QueryFault`` with what to send instead.
    init(_ bytes: [UInt8]) throws(QueryFault) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw QueryFault("the input is not UTF-8") }
        guard let first = text.unicodeScalars.first(where: { !$0.properties.isWhitespace }) else {
            throw QueryFault("the input is empty; send one SQL statement")
        }
        guard first == "{" else {
            self.sql = text
            return
        }
        var reader = FlatObjectReader(Array(text.utf8))
        var sql: String?
        self.sql = ""
        for (name, value) in try reader.members() {
            switch name {
            case "sql": sql = value
            case "format":
                guard let format = Format(rawValue: value) else {
                    throw QueryFault("the format is \"\(value.prefix(32))\"; give \"tabs\" or \"csv\"")
                }
                self.format = format
            default: throw QueryFault("unknown member \"\(name.prefix(32))\"; give \"sql\" and \"format\"")
            }
        }
        guard let sql else { throw QueryFault("the object has no \"sql\"") }
        self.sql = sql
    }
}

/// Why a query was not run or not finished, for the caller.
struct QueryFault: Error, Equatable {
    let text: String

    init(_ text: String) { self.text = text }
}

/// Reads a JSON object whose members are all strings (RFC 8259); nothing else is needed here.
private struct FlatObjectReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func members() throws(QueryFault) -> [(String, String)] {
        var members: [(String, String)] = []
        try self.expect("{")
        if self.next() == UInt8(ascii: "}") { return [] }
        repeat {
            let name = try self.string()
            try self.expect(":")
            members.append((name, try self.string()))
        } while members.count < 8 && self.accept(",")
        try self.expect("}")
        guard self.next() == nil else { throw QueryFault("something follows the JSON object; send one object") }
        return members
    }

    /// The next byte that is not white space, not taken.
    private mutating func next() -> UInt8? {
        while self.offset < self.bytes.count, " \t\r\n".utf8.contains(self.bytes[self.offset]) { self.offset += 1 }
        return self.offset < self.bytes.count ? self.bytes[self.offset] : nil
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard self.next() == UInt8(ascii: character) else { return false }
        self.offset += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(QueryFault) {
        guard self.accept(character) else {
            throw QueryFault("the JSON lacks a `\(character)` at byte \(self.offset); send {\"sql\": \"SELECT …\"}")
        }
    }

    private mutating func string() throws(QueryFault) -> String {
        try self.expect("\"")
        var text: [UInt8] = []
        while self.offset < self.bytes.count {
            let byte = self.bytes[self.offset]
            self.offset += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text += try self.escape()
            case ..<0x20: throw QueryFault("a JSON string contains a control character; write it as \\n or \\t")
            default: text.append(byte)
            }
        }
        throw QueryFault("a JSON string has no end")
    }

    private mutating func escape() throws(QueryFault) -> [UInt8] {
        guard self.offset < self.bytes.count else { throw QueryFault("a JSON string has no end") }
        let byte = self.bytes[self.offset]
        self.offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try self.unicodeEscape()
        default: throw QueryFault("a JSON string contains an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(QueryFault) -> [UInt8] {
        var units = [try self.hexadecimal()]
        if UTF16.isLeadSurrogate(units[0]), self.bytes[self.offset...].starts(with: Array("\\u".utf8)) {
            self.offset += 2
            units.append(try self.hexadecimal())
        }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    private mutating func hexadecimal() throws(QueryFault) -> UInt16 {
        let digits = self.bytes[self.offset...].prefix(4)
        guard digits.count == 4, let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16) else {
            throw QueryFault("a JSON string contains a malformed \\u escape")
        }
        self.offset += 4
        return unit
    }
}
