/// One thing that `dsmp doctor` looked at.
package struct DoctorFinding: Sendable, Hashable, Codable {
    package enum Severity: String, Sendable, Hashable, Codable {
        case ok
        /// Works, but less well or less safely than it could.
        case warning
        /// Something does not work. `dsmp doctor` exits 1.
        case failure
    }

    /// What was checked, in a few words: `control socket`.
    package var check: String
    package var severity: Severity
    package var message: String
    /// What to do; empty when all is well.
    package var hint: String

    package init(check: String, severity: Severity, message: String, hint: String = "") {
        self.check = check
        self.severity = severity
        self.message = message
        self.hint = hint
    }
}

/// One bound that the agent enforces (`dsmp net limits`).
package struct LimitReport: Sendable, Hashable, Codable {
    package var name: String
    /// `bytes`, `milliseconds`, `connections`, …
    package var unit: String
    package var limit: UInt64
    /// The present use; nil where it is not counted.
    package var used: UInt64?

    package init(name: String, unit: String, limit: UInt64, used: UInt64? = nil) {
        self.name = name
        self.unit = unit
        self.limit = limit
        self.used = used
    }
}
