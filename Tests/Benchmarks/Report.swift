/// The figures of one benchmark, one JSON object a line, as Tests/Benchmarks/side_by_side.py reads them.
struct Report: CustomStringConvertible {
    private var lines: [String] = []

    /// Adds the median of several measurements. Names and units are our own and need no escaping.
    mutating func add(_ name: String, _ values: [Double], unit: String) {
        self.lines.append(
            #"{"name": "\#(name)", "unit": "\#(unit)", "median": \#(Self.median(values)), "runs": \#(values.count)}"#)
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        precondition(!sorted.isEmpty, "a figure needs a measurement")
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    var description: String { self.lines.joined(separator: "\n") }
}
