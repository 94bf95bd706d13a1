/// Rules for paths in policies. They are texts here; the jail checks what they name by descriptor.
package enum AbsolutePath {
    /// The longest path, in bytes: the kernel's PATH_MAX without its zero byte.
    package static let maximumByteCount = 4095

    /// Takes away `//` and `/.` and a `/` at the end.
    ///
    /// - Throws: when the path is not absolute, has a `..`, a control character or more than ``maximumByteCount`` bytes.
    package static func normalised(_ path: String) throws(FieldProblem) -> String {
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw FieldProblem("\"\(path)\" is not an absolute path; begin it with /")
        }
        guard path.utf8.count <= Self.maximumByteCount else {
            throw FieldProblem("a path has \(path.utf8.count) bytes, more than \(Self.maximumByteCount); shorten it")
        }
        guard path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw FieldProblem("a path has a control character in it; rename the file or folder")
        }
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            guard part != ".." else {
                throw FieldProblem("\"\(path)\" has .. in it; write the path out without it")
            }
            parts.append(part)
        }
        return "/" + parts.joined(separator: "/")
    }

    /// Whether `path` is `folder` or lies in it. Both are normalised.
    package static func isInside(_ path: String, _ folder: String) -> Bool {
        folder == "/" || path == folder || path.hasPrefix(folder + "/")
    }
}

/// What is wrong with the value of one field and what to do; its place is added by who knows it.
package struct FieldProblem: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
