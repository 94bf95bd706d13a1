import Foundation

/// Numbers as people read them.
package enum Amounts {
    /// `3 d 4 h`, `5 min`, `12 s`.
    package static func duration(seconds: UInt64) -> String {
        switch seconds {
        case 0..<120: "\(seconds) s"
        case 120..<7_200: "\(seconds / 60) min"
        case 7_200..<172_800: "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
        default: "\(seconds / 86_400) d \(seconds % 86_400 / 3_600) h"
        }
    }

    /// `17 B`, `4.0 KiB`, `256.0 MiB`.
    package static func bytes(_ count: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1_024, unit < units.count - 1 {
            value /= 1_024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : String(format: "%.1f %@", value, units[unit])
    }

    /// `0.21 ms`.
    package static func milliseconds(microseconds: UInt64) -> String {
        String(format: "%.2f ms", Double(microseconds) / 1_000)
    }

    /// `2026-11-22 14:40:03` in UTC.
    package static func time(unixMilliseconds: UInt64) -> String {
        var seconds = time_t(clamping: unixMilliseconds / 1_000)
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return "?" }
        return String(
            format: "%04d-%02d-%02d %02d:%02d:%02d", parts.tm_year + 1_900, parts.tm_mon + 1, parts.tm_mday,
            parts.tm_hour, parts.tm_min, parts.tm_sec)
    }
}
