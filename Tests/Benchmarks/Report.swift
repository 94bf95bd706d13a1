/// The figures of one benchmark.
struct Report: CustomStringConvertible {
    private let title: String
    private var lines: [(name: String, value: Double, unit: String)] = []

    init(_ title: String) { self.title = title }

    mutating func add(_ name: String, _ value: Double, unit: String) { self.lines.append((name, value, unit)) }

    /// Adds the median of several measurements.
    mutating func addMedian(_ name: String, _ values: [Double], unit: String) {
        self.add(name, Self.median(values), unit: unit)
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard let middle = sorted.dropFirst(sorted.count / 2).first else { return .nan }
        return sorted.count % 2 == 1 ? middle : (middle + sorted[sorted.count / 2 - 1]) / 2
    }

    var description: String {
        let width = self.lines.map(\.name.count).max() ?? 0
        return self.lines.reduce(into: self.title) { text, line in
            let padding = String(repeating: " ", count: width - line.name.count)
            let rounded = line.value < 10 ? (line.value * 1_000).rounded() / 1_000 : line.value.rounded()
            text += "\n  \(line.name)\(padding)  \(rounded) \(line.unit)"
        }
    }
}
