import TestKit
import Testing
import Wire

@Suite("A multibase text") struct MultibaseTests {
    /// From the test cases of multiformats/multibase.
    static let table: [(bytes: String, texts: [String])] = [
        ("yes mani !", ["f796573206d616e692021", "bpfsxgidnmfxgsibb", "k2lcpzo5yikidynfl", "z7paNL19xttacUY"]),
        (
            "\0yes mani !",
            ["f00796573206d616e692021", "bab4wk4zanvqw42jaee", "k02lcpzo5yikidynfl", "z17paNL19xttacUY"]
        ),
        (
            "\0\0yes mani !",
            ["f0000796573206d616e692021", "baaahszltebwwc3tjeaqq", "k002lcpzo5yikidynfl", "z117paNL19xttacUY"]
        ),
        ("", ["f", "b", "k", "z"]),
    ]

    @Test("is one of the published ones", arguments: Self.table) func published(bytes: String, texts: [String]) throws {
        for text in texts {
            let (base, decoded) = try Multibase.decode(text)
            #expect(decoded == Array(bytes.utf8), "\(text)")
            #expect(base.encode(decoded) == text)
        }
    }

    @Test("survives a round trip in every base", arguments: Multibase.allCases) func roundTrips(base: Multibase) throws
    {
        var random = SplitMix64(seed: 2)
        for round in 0..<2_000 {
            var bytes = random.bytes(Int(random.next() % 60))
            for index in bytes.indices.prefix(Int(random.next() % 4)) { bytes[index] = 0 }
            let text = base.encode(bytes)
            let decoded = try Multibase.decode(text)
            #expect(decoded.bytes == bytes && decoded.base == base, "round \(round) of seed 2")
        }
    }

    @Test(
        "has only one form for its bytes",
        arguments: [
            "z0", "zO", "zI", "zl", "z7paNL19xttacU_", "kA", "k-", "f0", "fA0", "fg0", "bA", "b1", "ba", "baaa", "bab",
            "baaaaab", "bcaaa=", "b aa", "zé", "z\u{30f}", "b\u{301}aa",
        ])
    func refusesOthers(text: String) {
        #expect(throws: WireError.self) { try Multibase.decode(text) }
    }

    @Test(
        "is refused in a base that is not known",
        arguments: ["", "mAAA", "Z7paNL19xttacUY", "9123", "BPFSXGIDN", "\u{1F680}"])
    func refusesBases(text: String) {
        #expect(throws: WireError.unsupported("the multibase of the text")) { try Multibase.decode(text) }
    }

    @Test("is at most 512 characters long", arguments: Multibase.allCases) func isBounded(base: Multibase) throws {
        let zero = base == .base58btc ? "1" : base == .base32 ? "a" : "0"
        let longest = String(repeating: zero, count: Multibase.maximumCharacterCount)
        let byteCount = base == .base16 ? 256 : base == .base32 ? 320 : 512
        #expect(try base.decodeBare(longest).count == byteCount)
        #expect(throws: WireError.overLimit(value: 513, limit: 512)) { try base.decodeBare(longest + zero) }
    }
}
