/// Why a worker may not start as it asks to: everything that is missing, not only the first thing.
package struct PolicyRefusal: Error, Equatable, CustomStringConvertible {
    /// One thing requested and not granted.
    package struct Item: Sendable, Hashable {
        /// The field of worker.yaml, such as `limits.process.memory.max`.
        package let field: String
        /// What was asked for and what stands against it.
        package let reason: String
        /// What the operator, or the publisher when no operator can grant it, may do.
        package let remedy: String

        package init(field: String, reason: String, remedy: String) {
            self.field = field
            self.reason = reason
            self.remedy = remedy
        }
    }

    /// The worker, as in policy.yaml.
    package let worker: String
    /// Not empty.
    package let items: [Item]

    package init(worker: String, items: [Item]) {
        self.worker = worker
        self.items = items
    }

    package var description: String {
        (["the policy does not let \(self.worker) start:"]
            + self.items.map { "\($0.field): \($0.reason); \($0.remedy)" }).joined(separator: "\n  ")
    }
}
