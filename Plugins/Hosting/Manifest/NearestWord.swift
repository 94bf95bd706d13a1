/// Finds what a mistyped word was meant to be.
package enum NearestWord {
    /// The candidate with the fewest edits to `word`, at most a third of its length; the earlier one of two equals.
    package static func of(_ word: String, among candidates: [String]) -> String? {
        let typed = Array(word.utf8.prefix(64))
        var best: (word: String, edits: Int)?
        for candidate in candidates {
            let edits = self.edits(from: typed, to: Array(candidate.utf8))
            if edits <= max(1, typed.count / 3), edits < best?.edits ?? .max { best = (candidate, edits) }
        }
        return best?.word
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    private static func edits(from typed: [UInt8], to word: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...word.count)
        for (row, letter) in typed.enumerated() {
            var current = [row + 1]
            for (column, wanted) in word.enumerated() {
                var cost = min(last[column] + (letter == wanted ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, letter == word[column - 1], typed[row - 1] == wanted {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[word.count]
    }
}
