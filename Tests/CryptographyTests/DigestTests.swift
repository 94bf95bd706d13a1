import Cryptography
import TestKit
import Testing

@Suite("Digests and derived keys") struct DigestTests {
    @Test(
        "are those of FIPS 180-4",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func sha256(text: String, digest: String) throws {
        #expect(SHA256.digest(Array(text.utf8)) == (try hex(digest)))
        #expect(SHA256.digest(Array("xx\(text)".utf8)[2...]) == (try hex(digest)))
    }

    @Test("do not depend on how the input is cut") func incremental() {
        var random = SplitMix64(seed: 11)
        for _ in 0..<200 {
            let bytes = random.bytes(Int(random.next() % 500))
            var digest = SHA256()
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int(random.next() % 100))
                digest.update(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            #expect(digest.finalize() == SHA256.digest(bytes))
        }
    }

    @Test("authenticate as RFC 4231 says") func hmac() throws {
        let first = HMACSHA256.authenticationCode(
            for: Array("Hi There".utf8), key: [UInt8](repeating: 0x0b, count: 20))
        #expect(first == (try hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")))
        let second = HMACSHA256.authenticationCode(
            for: Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(second == (try hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")))
        // Empty key and message, computed with Python.
        let empty = HMACSHA256.authenticationCode(for: [], key: [])
        #expect(empty == (try hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")))
    }

    struct Derivation: Sendable {
        var secret: String
        var salt: String
        var information: String
        var byteCount: Int
        var extracted: String
        var output: String
    }

    /// RFC 5869, appendix A.1 and A.3.
    static let derivations = [
        Derivation(
            secret: "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", salt: "000102030405060708090a0b0c",
            information: "f0f1f2f3f4f5f6f7f8f9", byteCount: 42,
            extracted: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            output: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
        Derivation(
            secret: "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", salt: "", information: "", byteCount: 42,
            extracted: "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            output: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
    ]

    @Test("derive as RFC 5869 says", arguments: Self.derivations) func hkdf(vector: Derivation) throws {
        let secret = try hex(vector.secret)
        let salt = try hex(vector.salt)
        let information = try hex(vector.information)
        #expect(HKDFSHA256.extract(secret: secret, salt: salt) == (try hex(vector.extracted)))
        let output = HKDFSHA256.derive(
            secret: secret, salt: salt, information: information, byteCount: vector.byteCount)
        #expect(output == (try hex(vector.output)))
    }

    @Test("derive up to 8160 bytes, each a prefix of the longer") func derivesMuch() {
        let longest = HKDFSHA256.expand(
            key: [1, 2, 3], information: [], byteCount: HKDFSHA256.maximumByteCount)
        #expect(longest.count == 8_160)
        for count in [0, 1, 31, 32, 33, 8_159] {
            #expect(HKDFSHA256.expand(key: [1, 2, 3], information: [], byteCount: count)[...] == longest.prefix(count))
        }
    }

    @Test("are compared whole") func comparison() {
        #expect(ConstantTime.equal([1, 2, 3], [1, 2, 3]))
        #expect(ConstantTime.equal([], []))
        #expect(!ConstantTime.equal([1, 2, 3], [1, 2, 4]))
        #expect(!ConstantTime.equal([0, 2, 3], [1, 2, 3]))
        #expect(!ConstantTime.equal([1, 2, 3], [1, 2]))
        #expect(!ConstantTime.equal([], [1]))
    }

    @Test("random bytes have the length that was asked for and do not repeat") func random() {
        for count in [0, 1, 32, 100_000] { #expect(SecureRandom.bytes(count).count == count) }
        #expect(SecureRandom.bytes(32) != SecureRandom.bytes(32))
        var generator = SecureRandom()
        #expect(Set((0..<100).map { _ in generator.next() }).count == 100)
        // Every byte of the number is drawn.
        #expect((0..<100).reduce(UInt64(0)) { bits, _ in bits | generator.next() } == .max)
    }
}
