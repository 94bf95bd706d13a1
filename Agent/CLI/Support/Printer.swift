import ControlAPI
import Foundation
import Glibc

/// Writes results to standard output.
enum Printer {
    /// Prints a value as JSON, or as text.
    static func print(_ value: some Encodable, json: Bool, text: () -> String) throws(ControlError) {
        if json {
            try Self.write(Array(ControlJSON.encode(value, pretty: true)) + [0x0a])
        } else {
            try Self.write(Array((text() + "\n").utf8))
        }
    }

    /// Writes all bytes to standard output. Blocks while nobody reads.
    ///
    /// - Throws: `failed` when it is closed or the disk behind it is full.
    static func write(_ bytes: [UInt8]) throws(ControlError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR { continue }
                throw ControlError(.failed, "standard output cannot be written: \(String(cString: strerror(errno)))")
            }
            rest = rest.dropFirst(written)
        }
    }

    /// Prints a line for people on standard error, such as what a command is doing.
    static func note(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
