/// Rows aligned in columns, with a heading. An empty table prints what to do instead.
package struct TextTable {
    /// How a column is aligned.
    package enum Alignment {
        case left, right
    }

    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []

    package init(_ columns: [(title: String, alignment: Alignment)]) {
        self.columns = columns
    }

    package init(_ titles: String...) {
        self.init(titles.map { ($0, .left) })
    }

    package mutating func add(_ cells: String...) { self.rows.append(cells.map(PlainText.clean)) }

    /// The lines, without spaces at their ends.
    ///
    /// - Parameter empty: what to print instead of a heading without rows.
    /// - Returns: the text, without a line end.
    package func text(ifEmpty empty: String) -> String {
        guard !self.rows.isEmpty else { return empty }
        let lines = [self.columns.map(\.title)] + self.rows
        let widths = self.columns.indices.map { column in
            lines.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return lines.map { line in
            var text = ""
            for (column, cell) in line.enumerated() where column < widths.count {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                text += self.columns[column].alignment == .left ? cell + padding : padding + cell
                text += "  "
            }
            while text.last == " " { text.removeLast() }
            return text
        }.joined(separator: "\n")
    }
}
