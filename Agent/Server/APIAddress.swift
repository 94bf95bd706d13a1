package import ControlAPI

/// A TCP address for the control surface, as `--api HOST:PORT` gives it.
package struct APIAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name or an IP address; an IPv6 address without its brackets.
    package let host: String
    /// 0 takes a free one.
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Parses `127.0.0.1:8080`, `localhost:0` or `[::1]:8080`.
    ///
    /// - Throws: `usage`, naming what is wrong.
    package init(_ text: String) throws(ControlError) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw ControlError(
                .usage, "`\(text)` is not HOST:PORT", hint: "for example --api 127.0.0.1:8080, or port 0 for a free one"
            )
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw ControlError(.usage, "`\(text)` is ambiguous", hint: "put an IPv6 address in brackets: [::1]:8080")
        }
        guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw ControlError(.usage, "`\(text)` has no usable host", hint: "for example --api 127.0.0.1:8080")
        }
        self.init(host: String(host), port: Int(port))
    }

    /// The same host on another port.
    package func with(port: Int) -> APIAddress { APIAddress(host: self.host, port: port) }

    package var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}
