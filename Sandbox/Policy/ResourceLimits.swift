/// Limits as a person states them: what is not stated is `nil`. One type for what a worker requests and for the ceilings
/// that an operator grants (Specs/sandbox.md, section 2).
package struct StatedLimits: Sendable, Hashable {
    /// `process.cpu.weight`: share of contended processors, 1...10000, 100 is usual.
    package var cpuWeight: Int?
    /// `process.cpu.max`: percent of one core, 1...102400.
    package var cpuMaximumPercent: Int?
    /// `process.cpu.allowed_cores`: ascending, without repetition, each 0...1023.
    package var allowedCores: [Int]?
    /// `process.memory.max`: bytes.
    package var memoryMaximumBytes: UInt64?
    /// `process.memory.soft_max`: bytes. The kernel takes memory back above it when the machine runs short.
    package var memorySoftMaximumBytes: UInt64?
    /// `process.subprocess.max`: processes and threads together, the worker's first one included.
    package var subprocessMaximum: Int?
    /// `process.io.weight`: share of contended disks, 1...1000, 100 is usual.
    package var ioWeight: Int?
    /// `disk.total`: bytes of private files under /tmp.
    package var diskTotalBytes: UInt64?

    package init() {}
}

/// The limits a worker runs under: every one has a value, or `nil` where the kernel's own is meant.
package struct ResourceLimits: Sendable, Hashable {
    /// 1...10000; `nil` leaves the kernel's 100.
    package var cpuWeight: Int?
    /// Percent of one core; `nil` is without limit.
    package var cpuMaximumPercent: Int?
    /// `nil` is every core.
    package var allowedCores: [Int]?
    /// Bytes of memory of all processes together.
    package var memoryMaximumBytes: UInt64
    /// Bytes; `nil` sets none.
    package var memorySoftMaximumBytes: UInt64?
    /// Processes and threads together.
    package var subprocessMaximum: Int
    /// 1...1000; `nil` leaves the kernel's.
    package var ioWeight: Int?
    /// Bytes of private files under /tmp; they are kept in memory, on top of ``memoryMaximumBytes``.
    package var diskTotalBytes: UInt64
    /// Files one process may have open.
    package var openFilesMaximum: Int

    /// What a worker that requests nothing runs under.
    package static let standard = ResourceLimits(
        memoryMaximumBytes: 512 << 20, subprocessMaximum: 64, diskTotalBytes: 64 << 20, openFilesMaximum: 1024)

    package init(
        memoryMaximumBytes: UInt64, subprocessMaximum: Int, diskTotalBytes: UInt64, openFilesMaximum: Int
    ) {
        self.memoryMaximumBytes = memoryMaximumBytes
        self.subprocessMaximum = subprocessMaximum
        self.diskTotalBytes = diskTotalBytes
        self.openFilesMaximum = openFilesMaximum
    }
}
