/// The environment of a worker, built from nothing: never the agent's own (Specs/sandbox.md, section 4.3).
package struct WorkerEnvironment: Sendable, Hashable {
    /// What every worker has.
    package static let base = [
        "HOME=/tmp", "LANG=C.UTF-8", "LOGNAME=worker", "PATH=/usr/bin", "SWIFT_BACKTRACE=enable=no", "TMPDIR=/tmp",
        "USER=worker",
    ]
    /// The most variables beyond the base.
    package static let maximumCount = 64
    /// The longest name and value together, in bytes.
    package static let maximumByteCount = 4096

    private var names: [String] = []
    private var values: [String] = []

    package init() {}

    /// Sets a variable.
    ///
    /// - Throws: for a name that is not `[A-Za-z_][A-Za-z0-9_]*`, one that steers the loader or a language runtime past
    ///   the program (`LD_*` and such), one of the base but PATH, LANG and TMPDIR, a value with a zero byte, and beyond
    ///   the bounds.
    package mutating func set(_ name: String, to value: String) throws(FieldProblem) {
        guard Self.isName(name) else {
            throw FieldProblem("\"\(name)\" is no variable name; use letters, digits and _, not a digit first")
        }
        guard !Self.isForbidden(name) else {
            throw FieldProblem("\(name) cannot be set: it would change what runs before the program; remove it")
        }
        guard !value.utf8.contains(0) else {
            throw FieldProblem("the value of \(name) has a zero byte; remove it")
        }
        guard name.utf8.count + value.utf8.count + 1 <= Self.maximumByteCount else {
            throw FieldProblem("\(name) is longer than \(Self.maximumByteCount) bytes; hand it over as a file")
        }
        if let index = self.names.firstIndex(of: name) {
            self.values[index] = value
            return
        }
        guard self.names.count < Self.maximumCount else {
            throw FieldProblem("there are more than \(Self.maximumCount) variables; hand them over as a file")
        }
        self.names.append(name)
        self.values.append(value)
    }

    /// `NAME=value` of all, the base first where it was not replaced.
    package var entries: [String] {
        Self.base.filter { entry in !self.names.contains(String(entry.prefix { $0 != "=" })) }
            + zip(self.names, self.values).map { "\($0)=\($1)" }
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first < 0x30 || first > 0x39 else { return false }
        return name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
        }
    }

    /// Variables that the C library, its loader or the Swift runtime act on before the program has a say.
    private static func isForbidden(_ name: String) -> Bool {
        let prefixes = ["LD_", "MALLOC_", "SWIFT_", "GLIBC_", "GCONV_", "ASAN_", "LSAN_", "TSAN_", "UBSAN_"]
        let names = [
            "BASH_ENV", "ENV", "GETCONF_DIR", "HOME", "HOSTALIASES", "IFS", "LOCALDOMAIN", "LOCPATH", "LOGNAME",
            "NIS_PATH", "NLSPATH", "RES_OPTIONS", "RESOLV_HOST_CONF", "SHELLOPTS", "TZDIR", "USER",
        ]
        return prefixes.contains { name.hasPrefix($0) } || names.contains(name)
    }
}
