import Yams

extension StatedLimits {
    static let fieldNames = [
        "process.cpu.weight", "process.cpu.max", "process.cpu.allowed_cores", "process.memory.max",
        "process.memory.soft_max", "process.subprocess.max", "process.io.weight", "disk.total",
    ]

    /// The least memory that a program can start with, in bytes.
    package static let leastMemoryBytes: UInt64 = 4 << 20
    /// The most cores that can be named.
    package static let maximumCoreCount = 1024

    /// Reads the mapping under `limits:`; `prefix` is the field's dotted name and a dot, for messages.
    init(parsing node: Node, file: String, prefix: String) throws(PolicyTextError) {
        self.init()
        let reader = FieldReader(file: file, prefix: prefix)
        for field in try reader.fields(of: node, known: Self.fieldNames) {
            switch field.name {
            case "process.cpu.weight": self.cpuWeight = try reader.integer(field, in: 1...10_000)
            case "process.cpu.max": self.cpuMaximumPercent = try Self.percent(field, reader)
            case "process.cpu.allowed_cores": self.allowedCores = try Self.cores(field, reader)
            case "process.memory.max":
                self.memoryMaximumBytes = try reader.size(field, atLeast: Self.leastMemoryBytes)
            case "process.memory.soft_max":
                self.memorySoftMaximumBytes = try reader.size(field, atLeast: Self.leastMemoryBytes)
            case "process.subprocess.max": self.subprocessMaximum = try reader.integer(field, in: 1...32_768)
            case "process.io.weight": self.ioWeight = try reader.integer(field, in: 1...1000)
            default: self.diskTotalBytes = try reader.size(field, atLeast: 4096)
            }
        }
    }

    private static func percent(_ field: Field, _ reader: FieldReader) throws(PolicyTextError) -> Int {
        let text = try reader.text(field)
        guard text.hasSuffix("%"), let percent = Int(text.dropLast()), (1...102_400).contains(percent) else {
            throw reader.error(field, "\"\(text)\" is not a percentage of one core from 1% to 102400%, such as 50%")
        }
        return percent
    }

    /// Reads `[0, 2]`, `0-3` or both mixed.
    private static func cores(_ field: Field, _ reader: FieldReader) throws(PolicyTextError) -> [Int] {
        var cores: [Int] = []
        for text in try reader.texts(field, atMost: Self.maximumCoreCount).flatMap({ $0.split(separator: ",") }) {
            let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { part in
                Int(part.filter { $0 != " " })
            }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
                0 <= first, first <= last, last < Self.maximumCoreCount
            else {
                throw reader.error(field, "\"\(text)\" is neither a core from 0 to 1023 nor a range such as 0-3")
            }
            cores += first...last
            guard cores.count <= Self.maximumCoreCount else { throw reader.error(field, "names cores twice") }
        }
        guard !cores.isEmpty else { throw reader.error(field, "names no core; name one or remove the field") }
        return Array(Set(cores)).sorted()
    }
}
