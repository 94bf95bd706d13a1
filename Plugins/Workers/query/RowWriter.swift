/// Writes rows as `sqlite3 -tabs` or `sqlite3 -csv` prints them.
struct RowWriter {
    let format: QueryInput.Format

    /// Appends one row; nil is NULL, which both formats print as nothing.
    func write(_ row: [[UInt8]?], into output: inout [UInt8]) {
        for (index, value) in row.enumerated() {
            if index > 0 { output.append(self.format == .tabs ? UInt8(ascii: "\t") : UInt8(ascii: ",")) }
            guard let value else { continue }
            if self.format == .csv, value.isEmpty || value.contains(where: Self.needsQuotes) {
                self.writeQuoted(value, into: &output)
            } else {
                output.append(contentsOf: value)
            }
        }
        output.append(UInt8(ascii: "\n"))
    }

    /// The bytes for which sqlite3's shell quotes a field: everything but printable ASCII without quotes, commas and
    /// spaces.
    private static func needsQuotes(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")
            || byte == UInt8(ascii: ",")
    }

    private func writeQuoted(_ value: [UInt8], into output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in value {
            if byte == UInt8(ascii: "\"") { output.append(byte) }
            output.append(byte)
        }
        output.append(UInt8(ascii: "\""))
    }
}
