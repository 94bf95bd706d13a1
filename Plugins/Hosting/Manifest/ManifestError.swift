/// Why a manifest was refused. The text is for the worker's author: where, what, and what to do.
package struct ManifestError: Error, Sendable, Hashable, CustomStringConvertible {
    package let file: String
    /// From 1; 0 when the fault has no place in the file.
    package let line: Int
    package let problem: String
    /// Empty when the problem says it.
    package let remedy: String

    package init(file: String, line: Int = 0, problem: String, remedy: String = "") {
        self.file = file
        self.line = line
        self.problem = problem
        self.remedy = remedy
    }

    package var description: String {
        let place = self.line > 0 ? "\(self.file):\(self.line)" : self.file
        return "\(place): \(self.problem)" + (self.remedy.isEmpty ? "" : "; \(self.remedy)")
    }
}
