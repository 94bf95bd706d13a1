import Foundation
import Glibc

/// Small files for tests.
enum Files {
    static func write(_ text: String, to path: String, mode: UInt32) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
        guard chmod(path, mode) == 0 else { throw POSIXError(.EIO) }
    }
}
