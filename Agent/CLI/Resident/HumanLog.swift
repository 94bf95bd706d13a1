import Glibc
package import Logging

/// Writes log lines that people read: time, level, what happened. To standard error, so that nothing mixes with results.
package struct HumanLog: LogHandler {
    package var metadata = Logger.Metadata()
    package var logLevel: Logger.Level

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = self.metadata.merging(event.metadata ?? [:]) { $1 }
        let line = Self.line(
            Self.clock(), event.level, event.message.description, all.map { ($0.key, $0.value.description) })
        let bytes = Array((line + "\n").utf8)
        // One write a line, so that lines of several threads do not mix. A full log disk must not end the agent.
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    /// The text of one line.
    package static func line(_ time: String, _ level: Logger.Level, _ message: String, _ details: [(String, String)])
        -> String
    {
        let name =
            switch level {
            case .trace, .debug: "debug  "
            case .info, .notice: "info   "
            case .warning: "warning"
            case .error, .critical: "ERROR  "
            }
        let tail = details.sorted { $0.0 < $1.0 }.map { " \($0.0)=\($0.1)" }.joined()
        return "\(time) \(name) \(PlainText.clean(message + tail))"
    }

    private static func clock() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Amounts.time(unixMilliseconds: UInt64(clamping: now.tv_sec) * 1_000)
    }
}
