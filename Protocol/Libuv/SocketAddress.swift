import CLibuv
import Glibc

/// An IPv4 or IPv6 address with a port.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 bytes for IPv4 or 16 for IPv6, in network order.
    package let ipBytes: [UInt8]
    package let port: UInt16
    /// The interface index of a link-local IPv6 address; 0 otherwise.
    package let scope: UInt32

    /// - Returns: nil unless there are 4 or 16 bytes.
    package init?(ipBytes: [UInt8], port: UInt16, scope: UInt32 = 0) {
        guard ipBytes.count == 4 || ipBytes.count == 16 else { return nil }
        self.ipBytes = ipBytes
        self.port = port
        self.scope = scope
    }

    /// Reads "127.0.0.1" or "::1" (`uv_inet_pton`); nil for anything else, names included.
    package init?(_ ip: String, port: UInt16) {
        let isIPv6 = ip.utf8.contains(UInt8(ascii: ":"))
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        let status = unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe uv_inet_pton(isIPv6 ? AF_INET6 : AF_INET, ip, bytes.baseAddress)
        }
        guard status == 0 else { return nil }
        self.init(ipBytes: bytes, port: port)
    }

    package var isIPv6: Bool { self.ipBytes.count == 16 }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        self.isIPv6
            ? self.ipBytes.dropLast().allSatisfy { $0 == 0 } && self.ipBytes[15] == 1 : self.ipBytes[0] == 127
    }

    /// 0.0.0.0 or ::, which a listener uses to mean every interface.
    package var isUnspecified: Bool { self.ipBytes.allSatisfy { $0 == 0 } }

    /// Private (RFC 1918, RFC 4193) or link-local (RFC 3927, RFC 4291).
    package var isPrivate: Bool {
        if self.isIPv6 {
            return self.ipBytes[0] & 0xFE == 0xFC || (self.ipBytes[0] == 0xFE && self.ipBytes[1] & 0xC0 == 0x80)
        }
        switch (self.ipBytes[0], self.ipBytes[1]) {
        case (10, _), (192, 168), (169, 254): return true
        case (172, let second): return (16...31).contains(second)
        default: return false
        }
    }

    /// The address without the port (`uv_inet_ntop`).
    package var ip: String {
        var text = [CChar](repeating: 0, count: 64)
        return unsafe text.withUnsafeMutableBufferPointer { text in
            guard let base = text.baseAddress else { return "" }
            let status = unsafe self.ipBytes.withUnsafeBytes { bytes in
                unsafe uv_inet_ntop(self.isIPv6 ? AF_INET6 : AF_INET, bytes.baseAddress, base, text.count)
            }
            return status == 0 ? unsafe String(cString: base) : ""
        }
    }

    package var description: String { self.isIPv6 ? "[\(self.ip)]:\(self.port)" : "\(self.ip):\(self.port)" }

    /// Lends the address as the kernel wants it.
    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        if self.isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = self.port.bigEndian
            address.sin6_scope_id = self.scope
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { unsafe $0.copyBytes(from: self.ipBytes) }
            return unsafe withUnsafeBytes(of: &address) { unsafe Self.lend($0, body) }
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = self.port.bigEndian
        unsafe withUnsafeMutableBytes(of: &address.sin_addr) { unsafe $0.copyBytes(from: self.ipBytes) }
        return unsafe withUnsafeBytes(of: &address) { unsafe Self.lend($0, body) }
    }

    private static func lend<R>(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R {
        guard let base = bytes.baseAddress else { preconditionFailure("a socket address is never empty") }
        return unsafe body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }

    /// Reads what the kernel filled in; nil for another family.
    init?(sockaddr address: UnsafePointer<sockaddr>) {
        let raw = unsafe UnsafeRawPointer(address)
        switch Int32(unsafe address.pointee.sa_family) {
        case AF_INET:
            let value = unsafe raw.loadUnaligned(as: sockaddr_in.self)
            let bytes = unsafe withUnsafeBytes(of: value.sin_addr) { unsafe Array($0) }
            self.init(ipBytes: bytes, port: UInt16(bigEndian: value.sin_port))
        case AF_INET6:
            let value = unsafe raw.loadUnaligned(as: sockaddr_in6.self)
            let bytes = unsafe withUnsafeBytes(of: value.sin6_addr) { unsafe Array($0) }
            self.init(ipBytes: bytes, port: UInt16(bigEndian: value.sin6_port), scope: value.sin6_scope_id)
        default: return nil
        }
    }

    /// Runs `getsockname` or `getpeername` in libuv's form; nil when it fails.
    static func query(
        _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<Int32>) -> Int32
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = Int32(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            guard let base = bytes.baseAddress else { return nil }
            let address = unsafe base.assumingMemoryBound(to: sockaddr.self)
            guard unsafe call(address, &length) == 0 else { return nil }
            return unsafe SocketAddress(sockaddr: address)
        }
    }
}
