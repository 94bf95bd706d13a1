/// One file or folder of the host shown inside a jail.
package struct BindMount: Sendable, Hashable {
    /// Absolute, normalised path on the host.
    package var source: String
    /// Absolute, normalised path in the jail.
    package var target: String
    /// Whether the worker may change it.
    package var isWritable: Bool

    package init(source: String, target: String, isWritable: Bool) {
        self.source = source
        self.target = target
        self.isWritable = isWritable
    }

    /// Reads `SOURCE[:TARGET][:ro|:rw]`; the target is the source when not given, and the mode `ro`.
    ///
    /// - Throws: what is wrong with the text and what it should look like.
    package init(parsing text: String) throws(FieldProblem) {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var isWritable = false
        if let last = parts.last, parts.count > 1, last == "ro" || last == "rw" {
            isWritable = last == "rw"
            parts.removeLast()
        }
        guard (1...2).contains(parts.count) else {
            throw FieldProblem("\"\(text)\" is not SOURCE, SOURCE:TARGET or either with :ro or :rw at its end")
        }
        let source = try AbsolutePath.normalised(parts[0])
        let target = try AbsolutePath.normalised(parts.count == 2 ? parts[1] : parts[0])
        try JailLayout.checkBindTarget(target)
        self.init(source: source, target: target, isWritable: isWritable)
    }

    /// The form that ``init(parsing:)`` reads.
    package var text: String {
        (self.source == self.target ? self.source : "\(self.source):\(self.target)") + (self.isWritable ? ":rw" : ":ro")
    }
}
