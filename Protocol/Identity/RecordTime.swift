/// The bounds on times in records (Specs/records.md, sections 1 and 5).
package enum RecordTime {
    /// How far the clock of another machine may be ahead of ours, in milliseconds (5 minutes).
    package static let toleranceMilliseconds: UInt64 = 300_000
    /// Times are below this, in milliseconds since 1970, so that sums of them cannot overflow.
    package static let limitMilliseconds: UInt64 = 1 << 53

    /// A sum that stops at the greatest number instead of overflowing.
    package static func sum(_ time: UInt64, _ milliseconds: UInt64) -> UInt64 {
        let (sum, overflow) = time.addingReportingOverflow(milliseconds)
        return overflow ? .max : sum
    }
}
