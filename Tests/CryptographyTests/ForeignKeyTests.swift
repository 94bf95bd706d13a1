import Cryptography
import TestKit
import Testing

@Suite("Keys of other kinds") struct ForeignKeyTests {
    /// SubjectPublicKeyInfo made with another library: the right frame around a key that is refused.
    static let p384 =
        "3076301006072a8648ce3d020106052b81040022036200045d38b85efb25f38d8b7bd7ce237158ea1c904c4577542c7ee9ac"
        + "22ae9709eac4ac7bca52d440ef4df0e63505893e164d9e51a9f1bd79abaaac7c8ce6ef64cd7ca41e8a8935e2ac074308703e"
        + "4c3e9111831c185547b22862691d0eff1ace2808"
    static let secp256k1 =
        "3056301006072a8648ce3d020106052b8104000a03420004306d0839f9722f9324d1915adb6aafa1ad4433ba080f6e1ee879"
        + "eafc38e2a787e4f5c736b0f8e97df11a3507bf51eaed2d8207d7e5f1c3f502af04198d99c0a0"

    /// SubjectPublicKeyInfo of an RSA key. The modulus is no product of two primes, which no check can tell.
    static func rsaKey(modulusBitCount: Int, exponent: [UInt8] = [1, 0, 1]) -> [UInt8] {
        var modulus = [UInt8](repeating: 0xa5, count: (modulusBitCount + 7) / 8)
        modulus[0] = UInt8(truncatingIfNeeded: 0xff >> ((8 - modulusBitCount % 8) % 8))
        let numbers = Self.der(0x02, [0] + modulus) + Self.der(0x02, exponent)
        let algorithm: [UInt8] = [
            0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
        ]
        return Self.der(0x30, algorithm + Self.der(0x03, [0] + Self.der(0x30, numbers)))
    }

    private static func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var content = content
        if tag == 0x02, content.count > 1, content[0] == 0, content[1] < 0x80 { content.removeFirst() }
        let count = content.count
        let low = UInt8(truncatingIfNeeded: count)
        if count < 0x80 { return [tag, low] + content }
        if count < 0x100 { return [tag, 0x81, low] + content }
        return [tag, 0x82, UInt8(truncatingIfNeeded: count >> 8), low] + content
    }

    @Test("RSA keys have 2048 to 8192 bits") func rsaSizes() throws {
        for accepted in [2_048, 3_072, 4_096, 8_192] {
            let key = Self.rsaKey(modulusBitCount: accepted)
            #expect(throws: Never.self, "\(accepted) bits") { try RSA.validate(subjectPublicKeyInfo: key) }
        }
        for refused in [512, 1_024, 2_047, 8_193] {
            #expect(throws: KeyError.rsaModulusOutOfRange(bitCount: refused)) {
                try RSA.validate(subjectPublicKeyInfo: Self.rsaKey(modulusBitCount: refused))
            }
        }
        // So long that it is not even looked at.
        #expect(throws: KeyError.invalidPublicKey) {
            try RSA.validate(subjectPublicKeyInfo: Self.rsaKey(modulusBitCount: 16_384))
        }
    }

    @Test("RSA keys have an odd exponent of at most 31 bits") func rsaExponents() throws {
        for accepted: [UInt8] in [[3], [17], [0x7f, 0xff, 0xff, 0xff]] {
            let key = Self.rsaKey(modulusBitCount: 2_048, exponent: accepted)
            #expect(throws: Never.self) { try RSA.validate(subjectPublicKeyInfo: key) }
        }
        for refused: [UInt8] in [[0], [1], [2], [4], [0, 0x80, 0, 0, 1], [1, 0, 0, 0, 0, 0, 0, 0, 1], [0xff]] {
            #expect(throws: KeyError.invalidPublicKey, "\(refused)") {
                try RSA.validate(subjectPublicKeyInfo: Self.rsaKey(modulusBitCount: 2_048, exponent: refused))
            }
        }
    }

    @Test("are refused in the place of another kind, cut or with bytes behind them") func wrongKinds() throws {
        let rsa = Self.rsaKey(modulusBitCount: 2_048)
        for wrong in [try hex(Self.p384), try hex(Self.secp256k1), rsa] {
            #expect(throws: KeyError.invalidPublicKey) { try P256.validate(subjectPublicKeyInfo: wrong) }
        }
        #expect(throws: KeyError.invalidPublicKey) { try RSA.validate(subjectPublicKeyInfo: hex(Self.p384)) }
        for wrong in [
            [], Array(rsa.dropLast()), rsa + [0], Array(rsa.dropFirst()), [0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            #expect(throws: KeyError.invalidPublicKey) { try RSA.validate(subjectPublicKeyInfo: wrong) }
            #expect(!RSA.isValid(signature: [1], for: [2], subjectPublicKeyInfo: wrong))
            #expect(!P256.isValid(signature: [1], for: [2], subjectPublicKeyInfo: wrong))
        }
    }

    @Test("secp256k1 keys are compressed points on the curve") func secp256k1Points() throws {
        let point = Array(try hex(Self.secp256k1).suffix(64))
        let compressed = [2 + (point[63] & 1)] + point[..<32]
        try Secp256k1.validate(publicKey: compressed)
        #expect(throws: KeyError.wrongKeyLength(byteCount: 65, expectedByteCount: 33)) {
            try Secp256k1.validate(publicKey: [4] + point)
        }
        for first: UInt8 in [0, 1, 4, 5, 6, 7] {
            #expect(throws: KeyError.invalidPublicKey) {
                try Secp256k1.validate(publicKey: [first] + compressed.dropFirst())
            }
        }
        // x = 5 is on no point of the curve, and this x is not less than the modulus.
        for coordinate in [[UInt8](repeating: 0, count: 31) + [5], [UInt8](repeating: 0xff, count: 32)] {
            #expect(throws: KeyError.invalidPublicKey) { try Secp256k1.validate(publicKey: [2] + coordinate) }
            #expect(!Secp256k1.isValid(signature: [1], for: [2], publicKey: [2] + coordinate))
        }
    }

    @Test("survive any bytes without a trap") func hostileBytes() {
        var random = SplitMix64(seed: 31)
        let rsa = Self.rsaKey(modulusBitCount: 2_048)
        var refused = 0
        for _ in 0..<3_000 {
            var key = rsa
            for _ in 0...random.next() % 3 { key[Int(random.next() % 40)] = UInt8(random.next() % 256) }
            if (try? RSA.validate(subjectPublicKeyInfo: key)) == nil { refused += 1 }
        }
        #expect(refused > 1_000)
    }
}
