/// One packet from `dsmp-jail` (Specs/sandbox.md, section 7.2).
package struct JailReport: Equatable {
    package enum Kind: Equatable {
        /// The jail's first process exists. Its pidfd comes with the packet.
        case started(processID: Int32)
        /// The worker's program runs.
        case running
        /// The jail was not built, and nothing of it is left.
        case failed(JailFailure)
        /// The worker ended, and nothing of its jail is left.
        case ended(ExitReport)
    }

    package static let headerByteCount = 48
    package static let maximumByteCount = 560
    private static let magic: UInt32 = 0x524A_5344
    private static let ranOutOfMemory: UInt32 = 1
    private static let hasMemoryGroup: UInt32 = 2

    package let request: UInt32
    package let kind: Kind
    /// Of a started jail: whether a control group limits its memory as a whole. Else each process is limited alone.
    package let limitsWholeMemory: Bool

    /// Decodes a packet; `nil` for anything that is none.
    package init?(decoding bytes: ArraySlice<UInt8>) {
        guard bytes.count >= Self.headerByteCount else { return nil }
        func number(_ offset: Int, _ count: Int) -> UInt64 {
            (0..<count).reduce(0) { $0 | UInt64(bytes[bytes.startIndex + offset + $1]) << (8 * UInt64($1)) }
        }
        guard number(0, 4) == Self.magic, Int(number(6, 2)) == bytes.count - Self.headerByteCount else { return nil }
        let value = Int32(truncatingIfNeeded: number(12, 4))
        let code = Int32(truncatingIfNeeded: number(16, 4))
        let flags = UInt32(number(20, 4))
        self.request = UInt32(number(8, 4))
        self.limitsWholeMemory = flags & Self.hasMemoryGroup != 0
        switch number(4, 2) {
        case 1: self.kind = .started(processID: value)
        case 2: self.kind = .running
        case 3:
            let text = bytes.dropFirst(Self.headerByteCount)
            guard let end = text.firstIndex(of: 0) else { return nil }
            self.kind = .failed(
                JailFailure(
                    step: String(decoding: text[..<end], as: UTF8.self), errno: value,
                    detail: String(decoding: text[(end + 1)...], as: UTF8.self)))
        case 4:
            let reason: ExitReport.Reason
            if flags & Self.ranOutOfMemory != 0, value == 2, code == 9 {
                reason = .outOfMemory
            } else if value == 1 {
                reason = .exited(code: code)
            } else if value == 2 {
                reason = .signalled(code)
            } else {
                return nil
            }
            self.kind = .ended(
                ExitReport(
                    reason: reason, userMicroseconds: number(24, 8), systemMicroseconds: number(32, 8),
                    maximumResidentBytes: number(40, 8)))
        default: return nil
        }
    }
}
