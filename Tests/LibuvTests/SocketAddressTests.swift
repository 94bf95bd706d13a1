import Libuv
import Testing

@Suite("A socket address") struct SocketAddressTests {
    @Test(
        "reads and prints addresses",
        arguments: [
            ("127.0.0.1", "127.0.0.1:7"), ("0.0.0.0", "0.0.0.0:7"), ("::1", "[::1]:7"),
            ("2001:db8::5", "[2001:db8::5]:7"),
        ])
    func text(ip: String, expected: String) throws {
        let address = try #require(SocketAddress(ip, port: 7))
        #expect(address.description == expected)
        #expect(address.ip == ip)
        #expect(SocketAddress(ipBytes: address.ipBytes, port: 7) == address)
    }

    @Test(
        "refuses what is no address",
        arguments: ["", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", ":::", "1.2.3.4 "])
    func refuses(text: String) {
        #expect(SocketAddress(text, port: 1) == nil)
    }

    @Test("takes 4 or 16 bytes only", arguments: [0, 3, 5, 15, 17])
    func byteCount(count: Int) {
        #expect(SocketAddress(ipBytes: [UInt8](repeating: 1, count: count), port: 1) == nil)
    }

    @Test(
        "knows loopback, private and public addresses",
        arguments: [
            ("127.3.4.5", true, false), ("10.1.1.1", false, true), ("172.16.0.1", false, true),
            ("172.32.0.1", false, false),
            ("192.168.9.9", false, true), ("169.254.1.1", false, true), ("8.8.8.8", false, false), ("::1", true, false),
            ("fd00::1", false, true), ("fe80::1", false, true), ("2001:db8::1", false, false), ("::2", false, false),
        ])
    func kinds(ip: String, isLoopback: Bool, isPrivate: Bool) throws {
        let address = try #require(SocketAddress(ip, port: 1))
        #expect(address.isLoopback == isLoopback)
        #expect(address.isPrivate == isPrivate)
    }
}
