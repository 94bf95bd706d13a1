import Cryptography
import TestKit
import Testing

@Suite("ChaCha20-Poly1305") struct ChaChaPolyTests {
    static let plaintext = Array(
        ("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
            + "sunscreen would be it.").utf8)

    @Test("seals as RFC 8439 says") func published() throws {
        // Section 2.8.2.
        let key = try hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")
        let nonce = try #require(ChaChaPoly.Nonce(bytes: hex("070000004041424344454647")))
        let associatedData = try hex("50515253c0c1c2c3c4c5c6c7")
        let expected = try hex(
            """
            d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b
            1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
            3ff4def08e4b7a9de576d26586cec64b6116 1ae10b594f09e26a7e902ecbd0600691
            """)
        var sealer = ChaChaPoly.Sealer(key: key)
        let sealed = sealer.seal(Self.plaintext, nonce: nonce, associatedData: associatedData)
        #expect(sealed == expected)
        var opener = ChaChaPoly.Opener(key: key)
        let opened = try opener.open(sealed, nonce: nonce, associatedData: associatedData)
        #expect(opened == Self.plaintext)
    }

    @Test("opens what it sealed, at every length and nonce") func roundTrips() throws {
        var random = SplitMix64(seed: 12)
        let key = random.bytes(32)
        var sealer = ChaChaPoly.Sealer(key: key)
        var opener = ChaChaPoly.Opener(key: key)
        for round in 0..<600 {
            let byteCount = round < 300 ? round : Int(random.next() % 65_520)
            let plaintext = random.bytes(byteCount)
            let associatedData = random.bytes(Int(random.next() % 40))
            let nonce = ChaChaPoly.Nonce(counter: random.next())
            let sealed = sealer.seal(plaintext, nonce: nonce, associatedData: associatedData)
            #expect(sealed.count == byteCount + ChaChaPoly.tagByteCount)
            let opened = try opener.open(sealed, nonce: nonce, associatedData: associatedData)
            #expect(opened == plaintext, "round \(round) of seed 12")
        }
    }

    @Test("has the nonce of Noise: four zeros, then the counter") func nonce() throws {
        let key = [UInt8](repeating: 1, count: 32)
        var sealer = ChaChaPoly.Sealer(key: key)
        let counter: UInt64 = 0x0102_0304_0506_0708
        let bytes = try #require(ChaChaPoly.Nonce(bytes: [0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1]))
        #expect(bytes == ChaChaPoly.Nonce(counter: counter))
        let first = sealer.seal([1, 2], nonce: bytes)
        let second = sealer.seal([1, 2], nonce: .init(counter: counter))
        let third = sealer.seal([1, 2], nonce: .init(counter: counter + 1))
        #expect(first == second && second != third)
        #expect(ChaChaPoly.Nonce(bytes: [1, 2]) == nil)
    }

    @Test("refuses every change, and opens the right record afterwards") func refusesChanges() throws {
        let key = [UInt8](repeating: 1, count: 32)
        var sealer = ChaChaPoly.Sealer(key: key)
        var opener = ChaChaPoly.Opener(key: key)
        let nonce = ChaChaPoly.Nonce(counter: 9)
        let sealed = sealer.seal(Self.plaintext, nonce: nonce, associatedData: [1])
        for index in sealed.indices {
            var wrong = sealed
            wrong[index] ^= 0x40
            #expect(Self.isRefused(wrong, nonce, [1], &opener), "byte \(index)")
        }
        for count in [0, 1, 15, 16, 17, sealed.count - 1] {
            #expect(Self.isRefused(Array(sealed.prefix(count)), nonce, [1], &opener), "\(count) bytes")
        }
        #expect(Self.isRefused(sealed + [0], nonce, [1], &opener))
        #expect(Self.isRefused(sealed, .init(counter: 10), [1], &opener))
        #expect(Self.isRefused(sealed, nonce, [], &opener))
        #expect(Self.isRefused(sealed, nonce, [2], &opener))
        var other = ChaChaPoly.Opener(key: [UInt8](repeating: 2, count: 32))
        #expect(Self.isRefused(sealed, nonce, [1], &other))
        let opened = try opener.open(sealed, nonce: nonce, associatedData: [1])
        #expect(opened == Self.plaintext)
    }

    @Test("appends behind what is there, and leaves it alone after a refusal") func appends() throws {
        let key = [UInt8](repeating: 1, count: 32)
        var sealer = ChaChaPoly.Sealer(key: key)
        var opener = ChaChaPoly.Opener(key: key)
        var output: [UInt8] = [1, 2, 3]
        let input: [UInt8] = [9, 9]
        sealer.seal(input.span.bytes, nonce: .init(counter: 0), appendingTo: &output)
        #expect(output.count == 3 + 2 + 16 && output.starts(with: [1, 2, 3]))
        var plaintext: [UInt8] = [5]
        let sealed = output[3...]
        try opener.open(sealed.span.bytes, nonce: .init(counter: 0), appendingTo: &plaintext)
        #expect(plaintext == [5, 9, 9])
        var damaged = sealed
        damaged[4] ^= 1
        do throws(ChaChaPoly.AuthenticationFailure) {
            try opener.open(damaged.span.bytes, nonce: .init(counter: 0), appendingTo: &plaintext)
            Issue.record("a damaged record was opened")
        } catch {
            #expect(error == ChaChaPoly.AuthenticationFailure())
        }
        #expect(plaintext == [5, 9, 9])
    }

    @Test("takes at most 16 MiB at a time") func isBounded() throws {
        var sealer = ChaChaPoly.Sealer(key: [UInt8](repeating: 1, count: 32))
        var opener = ChaChaPoly.Opener(key: [UInt8](repeating: 1, count: 32))
        let plaintext = [UInt8](repeating: 7, count: ChaChaPoly.maximumByteCount)
        let sealed = sealer.seal(plaintext, nonce: .init(counter: 0))
        let opened = try opener.open(sealed, nonce: .init(counter: 0))
        #expect(opened == plaintext)
        #expect(Self.isRefused(sealed + [0], .init(counter: 0), [], &opener))
    }

    @Test("works in place") func inPlace() throws {
        var random = SplitMix64(seed: 13)
        let key = random.bytes(32)
        var sealer = ChaChaPoly.Sealer(key: key)
        var opener = ChaChaPoly.Opener(key: key)
        let plaintext = random.bytes(1_000)
        let expected = sealer.seal(plaintext, nonce: .init(counter: 1))
        var buffer = plaintext + [UInt8](repeating: 0, count: 16)
        try buffer.withUnsafeMutableBytes { bytes in
            let input = UnsafeRawBufferPointer(rebasing: bytes[..<1_000])
            sealer.seal(input, nonce: .init(counter: 1), into: bytes)
            #expect(bytes.elementsEqual(expected))
            let count = try opener.open(UnsafeRawBufferPointer(bytes), nonce: .init(counter: 1), into: bytes)
            #expect(count == 1_000)
        }
        #expect(buffer.prefix(1_000) == plaintext[...])
    }

    private static func isRefused(
        _ sealed: [UInt8], _ nonce: ChaChaPoly.Nonce, _ associatedData: [UInt8], _ opener: inout ChaChaPoly.Opener
    ) -> Bool {
        do throws(ChaChaPoly.AuthenticationFailure) {
            _ = try opener.open(sealed, nonce: nonce, associatedData: associatedData)
            return false
        } catch {
            return true
        }
    }
}
