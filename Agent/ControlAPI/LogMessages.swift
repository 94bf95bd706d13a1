/// Asks for the kept log of a worker.
package struct LogsRequest: Sendable, Hashable, Codable {
    /// The most lines that one page may hold.
    package static let lineLimit = 10_000

    package var worker: String
    /// At most ``lineLimit``; the newest lines when `after` is nil.
    package var lines: Int
    /// Only lines with a higher number than this: how a log is followed.
    package var after: UInt64?

    package init(worker: String, lines: Int = 200, after: UInt64? = nil) {
        self.worker = worker
        self.lines = lines
        self.after = after
    }
}

package struct LogPage: Sendable, Hashable, Codable {
    package var lines: [LogLine]

    package init(lines: [LogLine]) {
        self.lines = lines
    }
}

package struct LogLine: Sendable, Hashable, Codable {
    /// Grows by at least one from line to line while the agent runs.
    package var number: UInt64
    package var unixMilliseconds: UInt64
    package var text: String

    package init(number: UInt64, unixMilliseconds: UInt64, text: String) {
        self.number = number
        self.unixMilliseconds = unixMilliseconds
        self.text = text
    }
}
