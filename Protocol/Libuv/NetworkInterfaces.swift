import CLibuv
import Glibc

/// The addresses of this machine.
package enum NetworkInterfaces {
    /// The addresses of all interfaces that are up, loopback included, with port 0 (`uv_interface_addresses`).
    package static func addresses() -> [SocketAddress] {
        var list: UnsafeMutablePointer<uv_interface_address_t>?
        var count: Int32 = 0
        guard unsafe uv_interface_addresses(&list, &count) == 0, let list = unsafe list else { return [] }
        defer { unsafe uv_free_interface_addresses(list, count) }
        var found: [SocketAddress] = []
        for index in 0..<Int(count) {
            let address = unsafe withUnsafeBytes(of: &list[index].address) { bytes -> SocketAddress? in
                guard let base = bytes.baseAddress else { return nil }
                return unsafe SocketAddress(sockaddr: base.assumingMemoryBound(to: sockaddr.self))
            }
            if let address, !found.contains(address) { found.append(address) }
        }
        return found
    }
}
