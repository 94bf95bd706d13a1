import TestKit
import Testing
import Wire

@Suite("A varint") struct VarintTests {
    static let table: [(value: UInt64, bytes: [UInt8])] = [
        (0, [0x00]), (1, [0x01]), (127, [0x7f]), (128, [0x80, 0x01]), (255, [0xff, 0x01]), (300, [0xac, 0x02]),
        (16_383, [0xff, 0x7f]), (16_384, [0x80, 0x80, 0x01]),
        (Varint.maximum, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    ]

    @Test("has these bytes", arguments: Self.table) func encodes(value: UInt64, bytes: [UInt8]) throws {
        #expect(Varint.encode(value) == bytes)
        #expect(Varint.byteCount(of: value) == bytes.count)
        let decoded = try #require(try Varint.decode(bytes[...]))
        #expect(decoded == (value, bytes.count))
    }

    @Test("survives a round trip at every length") func roundTrips() throws {
        var random = SplitMix64(seed: 1)
        for _ in 0..<20_000 {
            let value = random.next() >> (1 + random.next() % 63)
            let bytes = Varint.encode(value) + random.bytes(3)
            let decoded = try #require(try Varint.decode(bytes[...]))
            #expect(decoded.value == value)
            #expect(decoded.byteCount == Varint.byteCount(of: value))
            #expect(decoded.byteCount == bytes.count - 3)
        }
    }

    @Test(
        "is refused when a shorter form exists",
        arguments: [
            [0x80, 0x00], [0x81, 0x00], [0xff, 0x80, 0x00],
            [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
        ] as [[UInt8]])
    func refusesPadding(bytes: [UInt8]) {
        #expect(throws: WireError.varintNotMinimal) { try Varint.decode(bytes[...]) }
        #expect(throws: WireError.varintNotMinimal) {
            var reader = ByteReader(bytes)
            _ = try reader.varint()
        }
    }

    @Test("is refused above 63 bits") func refusesLongOnes() {
        let tenBytes = [UInt8](repeating: 0x80, count: 9) + [0x01]
        #expect(throws: WireError.varintTooLong) { try Varint.decode(tenBytes[...]) }
        // Nine bytes that go on are enough to know.
        #expect(throws: WireError.varintTooLong) { try Varint.decode(tenBytes[..<9]) }
        #expect(throws: WireError.varintTooLong) { try Varint.decode([UInt8](repeating: 0xff, count: 100)[...]) }
    }

    @Test("asks for more while it is cut") func waitsForMore() throws {
        let bytes = Varint.encode(Varint.maximum)
        for count in 0..<bytes.count {
            #expect(try Varint.decode(bytes[..<count]) == nil)
            #expect(throws: WireError.truncated(neededByteCount: count + 1, availableByteCount: count)) {
                var reader = ByteReader(bytes[..<count])
                _ = try reader.varint()
            }
        }
    }
}
