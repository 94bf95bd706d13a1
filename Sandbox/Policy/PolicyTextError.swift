/// What is wrong with a policy or manifest, and where. The text is for the person who wrote the file.
package struct PolicyTextError: Error, Equatable, CustomStringConvertible {
    /// The file's name as the caller gave it.
    package let file: String
    /// 1-based; 0 when the problem has no place.
    package let line: Int
    /// The field with dots, such as `limits.process.memory.max`; empty for the whole file.
    package let field: String
    /// What is wrong and what to do.
    package let problem: String

    package init(file: String, line: Int, field: String, problem: String) {
        self.file = file
        self.line = line
        self.field = field
        self.problem = problem
    }

    package var description: String {
        let place = self.line > 0 ? "\(self.file), line \(self.line)" : self.file
        return self.field.isEmpty ? "\(place): \(self.problem)" : "\(place): \(self.field): \(self.problem)"
    }
}
