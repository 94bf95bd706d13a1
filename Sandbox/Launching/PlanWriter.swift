/// Builds sections of a plan (Specs/sandbox.md, section 5): type, length and payload, padded to 8 bytes.
struct PlanWriter {
    private(set) var bytes: [UInt8] = []

    init() {}

    mutating func section(_ type: UInt16, _ payload: [UInt8]) {
        self.append(type)
        self.append(UInt16(0))
        self.append(UInt32(payload.count))
        self.bytes += payload
        self.bytes += [UInt8](repeating: 0, count: (8 - payload.count % 8) % 8)
    }

    mutating func append(_ value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            self.bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    mutating func append(_ value: UInt8) { self.bytes.append(value) }

    /// Appends a text and a zero byte. The text has none.
    mutating func append(text: String) {
        self.bytes += Array(text.utf8)
        self.bytes.append(0)
    }

    static func payload(_ fill: (inout PlanWriter) -> Void) -> [UInt8] {
        var writer = PlanWriter()
        fill(&writer)
        return writer.bytes
    }

    static func payload(texts: [String]) -> [UInt8] {
        Self.payload { writer in for text in texts { writer.append(text: text) } }
    }
}
