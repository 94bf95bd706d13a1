import Foundation
import Glibc

/// A folder for one test, with mode 0700, removed with this value.
package final class TemporaryFolder: Sendable {
    package let path: String

    /// - Parameter nameBytes: how long the last part of the path is, to make long paths.
    /// - Throws: when it cannot be made.
    package init(nameBytes: Int = 0) throws {
        let padding = String(repeating: "l", count: max(0, nameBytes - 45))
        var base = NSTemporaryDirectory()
        while base.count > 1, base.hasSuffix("/") { base.removeLast() }
        self.path = base + "/dsmp-test-\(UUID().uuidString)" + padding
        guard mkdir(self.path, 0o700) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    /// The path of a file in the folder.
    package func file(_ name: String) -> String { self.path + "/" + name }

    /// The permission bits of a file in the folder.
    package func mode(of name: String) -> UInt32 {
        var status = stat()
        return lstat(self.file(name), &status) == 0 ? status.st_mode & 0o7777 : 0
    }
}
