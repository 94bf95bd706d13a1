import TestKit
import Testing
import Wire

@Suite("An IP address") struct IPAddressTests {
    @Test(
        "is written in the recommended form",
        arguments: [
            ("0.0.0.0", "0.0.0.0"), ("192.0.2.255", "192.0.2.255"), ("::", "::"), ("::1", "::1"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1::", "1::"),
            ("0:0:0:0:0:0:0:1", "::1"), ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            ("::ffff:c000:201", "::ffff:192.0.2.1"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("fe80::1:2:3:4", "fe80::1:2:3:4"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ])
    func reads(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(
        "is refused when it is malformed or ambiguous",
        arguments: [
            "", ".", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "0x7f.0.0.1", "1.2.3.-4",
            "1.2.3.+4",
            "1.2.3. 4", "1..2.3", "١.2.3.4", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::",
            "g::", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "fe80::1%eth0", "[::1]", "1:2:3:4:5:6:7:8::",
            "::1:2:3:4:5:6:7:8",
            ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "::+1", "::-1", String(repeating: "0", count: 46),
        ])
    func refuses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("survives a round trip") func roundTrips() throws {
        var random = SplitMix64(seed: 4)
        for _ in 0..<5_000 {
            var bytes = random.bytes(random.oneIn(3) ? 4 : 16)
            // Runs of zeros, as real addresses have them.
            for index in bytes.indices where random.oneIn(2) { bytes[index] = 0 }
            let address = try #require(IPAddress(bytes: bytes))
            #expect(address.bytes == bytes)
            #expect(IPAddress(address.description) == address, "\(address), seed 4")
        }
        for count in [0, 1, 3, 5, 15, 17] { #expect(IPAddress(bytes: [UInt8](repeating: 0, count: count)) == nil) }
    }

    @Test("knows what it can reach") func kinds() throws {
        let loopback = ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"]
        let onlyHere =
            loopback + [
                "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255",
                "100.64.0.0",
                "100.127.255.255", "169.254.1.1", "fe80::1", "febf::1", "fc00::1", "fdff::1", "::ffff:10.1.2.3",
            ]
        let everywhere = [
            "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
            "100.63.255.255",
            "100.128.0.0", "126.0.0.1", "128.0.0.1", "2001:db8::1", "fbff::1", "fec0::1", "::2", "8.8.8.8",
        ]
        for text in onlyHere {
            let address = try #require(IPAddress(text))
            #expect(address.isPrivate, "\(text)")
            #expect(address.isLoopback == loopback.contains(text), "\(text)")
        }
        for text in everywhere {
            let address = try #require(IPAddress(text))
            #expect(!address.isPrivate && !address.isLoopback && !address.isUnspecified, "\(text)")
        }
        for text in ["0.0.0.0", "::", "::ffff:0.0.0.0"] { #expect(try #require(IPAddress(text)).isUnspecified) }
        for text in ["224.0.0.1", "239.1.1.1", "ff02::1"] { #expect(try #require(IPAddress(text)).isMulticast) }
        for text in ["223.255.255.255", "240.0.0.1", "feff::"] { #expect(try !#require(IPAddress(text)).isMulticast) }
        for text in ["169.254.0.1", "fe80::1"] { #expect(try #require(IPAddress(text)).isLinkLocal) }
    }
}
