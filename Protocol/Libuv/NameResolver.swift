import CLibuv
import Glibc

extension EventLoop {
    /// Addresses taken from one answer.
    package static let maximumResolvedAddresses = 16

    /// Looks a host name up (`uv_getaddrinfo`), from any thread.
    ///
    /// - Throws: what the resolver says, such as `EAI_NONAME`.
    package func resolve(host: String, port: UInt16) async throws(LibuvError) -> [SocketAddress] {
        let result = await self.settle { NameLookup.begin(host: host, port: port, on: self, $0) }
        return try result.get()
    }
}

/// One running `uv_getaddrinfo`, freed in its callback.
@safe private final class NameLookup {
    typealias Answer = Result<[SocketAddress], LibuvError>

    let continuation: LoopContinuation<Answer>
    let host: String
    let port: UInt16

    init(host: String, port: UInt16, _ continuation: LoopContinuation<Answer>) {
        self.host = host
        self.port = port
        self.continuation = continuation
    }

    static func begin(
        host: String, port: UInt16, on loop: EventLoop, _ continuation: LoopContinuation<Answer>
    ) {
        let lookup = NameLookup(host: host, port: port, continuation)
        guard let cLoop = unsafe loop.confined.loop, !loop.confined.isStopping, !host.utf8.contains(0) else {
            unsafe lookup.end(status: LibuvError.Code.cancelled.rawValue, nil)
            return
        }
        let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
        unsafe request.pointee.data = Unmanaged.passRetained(lookup).toOpaque()
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        let callback: uv_getaddrinfo_cb = { request, status, list in
            guard let request = unsafe request, let data = unsafe request.pointee.data else { return }
            let lookup = unsafe Unmanaged<NameLookup>.fromOpaque(data).takeRetainedValue()
            unsafe lookup.end(status: status, list)
            unsafe uv_freeaddrinfo(list)
            unsafe request.deallocate()
        }
        let status = unsafe uv_getaddrinfo(cLoop, request, callback, host, nil, &hints)
        if status != 0 {
            unsafe Unmanaged.passUnretained(lookup).release()
            unsafe request.deallocate()
            unsafe lookup.end(status: status, nil)
        }
    }

    private func end(status: Int32, _ list: UnsafeMutablePointer<addrinfo>?) {
        guard status == 0 else {
            self.continuation.resume(
                returning: .failure(LibuvError(status: status, "look up the host name \(self.host)")))
            return
        }
        var found: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next, found.count < EventLoop.maximumResolvedAddresses {
            if let raw = unsafe entry.pointee.ai_addr, let address = unsafe SocketAddress(sockaddr: raw),
                let withPort = SocketAddress(ipBytes: address.ipBytes, port: self.port, scope: address.scope),
                !found.contains(withPort)
            {
                found.append(withPort)
            }
            unsafe next = entry.pointee.ai_next
        }
        self.continuation.resume(returning: .success(found))
    }
}
