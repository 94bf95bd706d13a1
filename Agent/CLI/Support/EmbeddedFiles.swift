import CCommandSupport

/// Files of the SDKs, as they are in this version.
enum EmbeddedFiles {
    /// `dsmp_worker.py`.
    static var pythonSDK: [UInt8] {
        var count = 0
        let start = dsmp_embedded_python_sdk(&count)
        return Array(UnsafeBufferPointer(start: start, count: count))
    }

    /// `dsmp_worker.h`.
    static var workerHeader: [UInt8] {
        var count = 0
        let start = dsmp_embedded_worker_header(&count)
        return Array(UnsafeBufferPointer(start: start, count: count))
    }
}
