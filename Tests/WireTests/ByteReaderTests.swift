import Testing
import Wire

@Suite("A byte reader") struct ByteReaderTests {
    @Test("reads what the appenders wrote") func reads() throws {
        var bytes: [UInt8] = []
        bytes.append(7)
        bytes.appendBigEndian(UInt16(0x0102))
        bytes.appendBigEndian(UInt32(0xfffe_fdfc))
        bytes.appendBigEndian(UInt64.max - 1)
        bytes.appendVarint(300)
        bytes.appendLengthPrefixed([9, 8, 7])
        bytes.appendLengthPrefixed("grüezi")
        bytes += [1, 2]
        var reader = ByteReader(bytes)
        #expect(try reader.byte() == 7)
        #expect(try reader.bigEndian(UInt16.self) == 0x0102)
        #expect(try reader.bigEndian(UInt32.self) == 0xfffe_fdfc)
        #expect(try reader.bigEndian(UInt64.self) == .max - 1)
        #expect(try reader.count(limit: 300) == 300)
        #expect(try reader.lengthPrefixed(limit: 3) == [9, 8, 7])
        #expect(try reader.text(limit: 7) == "grüezi")
        #expect(!reader.isAtEnd)
        #expect(throws: WireError.trailingBytes(byteCount: 2)) { try reader.requireEnd() }
        #expect(reader.rest() == [1, 2])
        #expect(reader.isAtEnd)
        try reader.requireEnd()
    }

    @Test("shares the storage of a slice that starts anywhere") func readsSlices() throws {
        let bytes: [UInt8] = [0, 0, 0, 2, 5, 6, 7]
        var reader = ByteReader(bytes[3...])
        let part = try reader.lengthPrefixed(limit: 10)
        #expect(part == [5, 6])
        #expect(part.startIndex == 4, "a slice of the same storage, not a copy")
        #expect(reader.remaining == [7])
    }

    @Test("believes no length before the limit and the input agree with it") func boundsLengths() {
        #expect(throws: WireError.overLimit(value: 4, limit: 3)) {
            var reader = ByteReader([4, 1, 2, 3, 4])
            _ = try reader.lengthPrefixed(limit: 3)
        }
        #expect(throws: WireError.truncated(neededByteCount: 4, availableByteCount: 3)) {
            var reader = ByteReader([4, 1, 2, 3])
            _ = try reader.lengthPrefixed(limit: 4)
        }
        #expect(throws: WireError.overLimit(value: Varint.maximum, limit: .max - 1)) {
            var reader = ByteReader(Varint.encode(Varint.maximum))
            _ = try reader.lengthPrefixed(limit: .max - 1)
        }
        #expect(throws: WireError.truncated(neededByteCount: .max, availableByteCount: 0)) {
            var reader = ByteReader(Varint.encode(Varint.maximum))
            _ = try reader.lengthPrefixed(limit: .max)
        }
    }

    @Test("leaves what is there when a read fails") func keepsTheRest() throws {
        var reader = ByteReader([1, 2, 3])
        #expect(throws: WireError.self) { try reader.bigEndian(UInt32.self) }
        #expect(reader.remaining == [1, 2, 3])
        _ = try reader.bytes(count: 3)
        #expect(throws: WireError.truncated(neededByteCount: 1, availableByteCount: 0)) { try reader.byte() }
    }

    @Test("refuses text that is not UTF-8", arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]] as [[UInt8]])
    func refusesText(bytes: [UInt8]) {
        var message: [UInt8] = []
        message.appendLengthPrefixed(bytes)
        var reader = ByteReader(message)
        #expect(throws: WireError.malformed("a text is not UTF-8")) { try reader.text(limit: 8) }
    }

    @Test("hexadecimal digits go both ways") func hexadecimal() {
        #expect([UInt8](hexadecimal: "00ffA5") == [0x00, 0xff, 0xa5])
        #expect(([0x00, 0xff, 0xa5] as [UInt8]).hexadecimal == "00ffa5")
        for text in ["0", "0g", "+1", "0x", " 1"] { #expect([UInt8](hexadecimal: text) == nil, "\(text)") }
    }
}
