import CLibuv

/// How this process keeps freed memory.
package enum HeapMemory {
    /// Freed bytes kept at the end of an arena, and the size from which on an allocation is mapped on its own.
    static let keptByteCount: Int32 = 8 * 1_024 * 1_024

    private static let isTuned: Bool = {
        // Streams allocate and free buffers of 64 KiB to 1 MiB thousands of times a second. By default the allocator gives
        // their pages back to the kernel each time and takes a fault for every page again: that halves the throughput.
        _ = mallopt(dsmp_trim_threshold, Self.keptByteCount)
        _ = mallopt(dsmp_map_threshold, Self.keptByteCount)
        return true
    }()

    /// Sets the thresholds, once a process (`mallopt`).
    static func tune() { _ = Self.isTuned }

    /// Gives freed memory back to the kernel (`malloc_trim`). For quiet times: it walks the whole heap.
    package static func release() { _ = malloc_trim(0) }
}
