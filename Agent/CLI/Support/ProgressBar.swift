import Glibc
import Synchronization

/// A line on the terminal that shows how much of a long input was sent. Silent when standard error is no terminal, and
/// for the first second.
package final class ProgressBar: Sendable {
    private let title: String
    private let total: Int?
    private let isShown: Bool
    private let start = ContinuousClock.now
    private let lastDrawn: Mutex<ContinuousClock.Instant>
    private let width = 30

    /// - Parameters:
    ///   - title: what is done.
    ///   - total: bytes in all; nil when that is not known.
    package init(title: String, total: Int?) {
        self.title = title
        self.total = total
        self.isShown = isatty(STDERR_FILENO) == 1
        self.lastDrawn = Mutex(self.start)
    }

    /// Shows the total so far, at most ten times a second.
    func update(_ sent: Int) {
        guard self.isShown else { return }
        let now = ContinuousClock.now
        let isDue = self.lastDrawn.withLock { last in
            guard now - self.start > .seconds(1), now - last > .milliseconds(100) else { return false }
            last = now
            return true
        }
        if isDue { Self.draw("\r\u{1b}[K" + self.line(sent, elapsed: now - self.start)) }
    }

    /// Removes the line.
    func finish() {
        if self.lastDrawn.withLock({ $0 != self.start }) { Self.draw("\r\u{1b}[K") }
    }

    /// The text of the line.
    package func line(_ sent: Int, elapsed: Duration) -> String {
        let seconds = max(0.001, Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
        let rate = Amounts.bytes(Int(Double(sent) / seconds)) + "/s"
        guard let total = self.total, total > 0 else { return "\(self.title) \(Amounts.bytes(sent)) \(rate)" }
        let filled = min(self.width, self.width * sent / total)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: self.width - filled)
        return "\(self.title) [\(bar)] \(100 * sent / total) % of \(Amounts.bytes(total)) \(rate)"
    }

    private static func draw(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
