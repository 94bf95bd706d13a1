import Mesh
import WorkerABI

/// The `dsmp_host` that one library worker is given, with what its functions need. Lives as long as the session that
/// made it, which outlives the worker.
@safe final class LibraryHost: Sendable {
    // Safety: written before the library sees it and only read afterwards.
    nonisolated(unsafe) let pointer: UnsafeMutablePointer<dsmp_host>
    let calls: LibraryCalls
    let log: @Sendable (String) -> Void

    init(calls: LibraryCalls, log: @escaping @Sendable (String) -> Void) {
        self.calls = calls
        self.log = log
        unsafe self.pointer = .allocate(capacity: 1)
        var host = unsafe dsmp_host()
        unsafe host.struct_size = UInt32(MemoryLayout<dsmp_host>.size)
        unsafe host.abi_version = DSMP_ABI_VERSION
        unsafe host.send = { host, call, bytes, length in
            guard length <= Int(DSMP_MESSAGE_BYTES) else { return Int32(DSMP_ERROR_TOO_LONG) }
            let message = unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : length))
            return unsafe LibraryHost.of(host)?.calls.send(call, message) ?? Int32(DSMP_ERROR_FAILED)
        }
        unsafe host.end = { host, call, status, text, length in
            let end = unsafe LibraryHost.end(
                status, LibraryHost.text(text, min(length, CallLimits.failureMessageBytes)))
            unsafe LibraryHost.of(host)?.calls.end(call, end)
        }
        unsafe host.consumed = { host, call, length in unsafe LibraryHost.of(host)?.calls.consumed(call, length) }
        unsafe host.log = { host, _, text, length in
            let line = unsafe LibraryHost.text(text, min(length, 4_096))
            unsafe LibraryHost.of(host)?.log(LineSplitter.escaped(Array(line.utf8)))
        }
        unsafe host.get_extension = { _, _ in nil }
        unsafe self.pointer.initialize(to: host)
        unsafe self.pointer.pointee.host_data = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit { unsafe self.pointer.deallocate() }

    private static func of(_ host: UnsafePointer<dsmp_host>?) -> LibraryHost? {
        guard let data = unsafe host?.pointee.host_data else { return nil }
        return unsafe Unmanaged<LibraryHost>.fromOpaque(data).takeUnretainedValue()
    }

    private static func text(_ text: UnsafePointer<CChar>?, _ length: Int) -> String {
        guard let text = unsafe text, length > 0 else { return "" }
        return unsafe String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self)
    }

    private static func end(_ status: UInt32, _ text: String) -> CallMailbox.CallEnd {
        if status == CallStatus.ok.rawValue { return .ok }
        return .failed(CallFailure(CallStatus(rawValue: status) ?? .internal, text))
    }
}
