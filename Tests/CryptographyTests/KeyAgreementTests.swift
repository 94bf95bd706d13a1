import Cryptography
import TestKit
import Testing

@Suite("A key agreement key") struct KeyAgreementTests {
    @Test("agrees as RFC 7748 says") func published() throws {
        // Section 6.1.
        let alice = try KeyAgreementKey(
            privateKey: hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
        let bob = try KeyAgreementKey(
            privateKey: hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        let alicePublic = alice.publicKey
        let bobPublic = bob.publicKey
        #expect(alicePublic == (try hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")))
        #expect(bobPublic == (try hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")))
        let secret = try hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        #expect(try alice.sharedSecret(with: bobPublic) == secret)
        #expect(try bob.sharedSecret(with: alicePublic) == secret)
    }

    @Test("stays right over a thousand rounds") func iterated() throws {
        // Section 5.2.
        var scalar = [9] + [UInt8](repeating: 0, count: 31)
        var point = scalar
        for round in 1...1_000 {
            let next = try KeyAgreementKey(privateKey: scalar).sharedSecret(with: point)
            (scalar, point) = (next, scalar)
            if round == 1 {
                #expect(scalar == (try hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")))
            }
        }
        #expect(scalar == (try hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")))
    }

    @Test(
        "refuses a point of small order",
        arguments: [
            String(repeating: "00", count: 32), "01" + String(repeating: "00", count: 31),
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ec" + String(repeating: "ff", count: 30) + "7f", "ed" + String(repeating: "ff", count: 30) + "7f",
            "ee" + String(repeating: "ff", count: 30) + "7f",
        ])
    func refusesSmallOrder(point: String) throws {
        let key = try KeyAgreementKey(privateKey: [UInt8](repeating: 5, count: 32))
        let point = try hex(point)
        #expect(Self.error { () throws(KeyError) in _ = try key.sharedSecret(with: point) } == .smallOrderPoint)
        let withTopBit = Array(point[..<31]) + [point[31] | 0x80]
        #expect(Self.error { () throws(KeyError) in _ = try key.sharedSecret(with: withTopBit) } == .smallOrderPoint)
    }

    @Test("refuses keys of another length", arguments: [0, 31, 33]) func refusesLengths(byteCount: Int) throws {
        let bytes = [UInt8](repeating: 9, count: byteCount)
        #expect(throws: KeyError.wrongSeedLength(byteCount: byteCount)) { _ = try KeyAgreementKey(privateKey: bytes) }
        let key = try KeyAgreementKey(privateKey: [UInt8](repeating: 5, count: 32))
        #expect(
            Self.error { () throws(KeyError) in _ = try key.sharedSecret(with: bytes) }
                == .wrongKeyLength(byteCount: byteCount, expectedByteCount: 32))
    }

    @Test("belongs to an Ed25519 identity") func conversion() throws {
        // libsodium, test/default/ed25519_convert.c.
        let seed = try hex("421151a459faeade3d247115f94aedae42318124095afabe4d1451a559faedee")
        let signing = try SigningKey(seed: seed)
        let agreement = KeyAgreementKey(ed25519Seed: seed)
        let expected = try hex("f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50")
        let ownPublic = agreement.publicKey
        let signingPublic = signing.publicKey
        #expect(ownPublic == expected)
        #expect(try KeyAgreementKey.publicKey(ofEd25519: signingPublic) == expected)
    }

    @Test("is the same from either half of an identity") func conversionsAgree() throws {
        var random = SplitMix64(seed: 21)
        for round in 0..<300 {
            let seed = random.bytes(32)
            let signingPublic = try SigningKey(seed: seed).publicKey
            let agreementPublic = KeyAgreementKey(ed25519Seed: seed).publicKey
            #expect(
                try KeyAgreementKey.publicKey(ofEd25519: signingPublic) == agreementPublic, "round \(round) of seed 21")
        }
    }

    @Test("is refused for an identity that has none") func conversionRefusals() throws {
        let ones = [UInt8](repeating: 0xff, count: 30)
        let impossible: [[UInt8]] = [
            [1] + [UInt8](repeating: 0, count: 31),  // y = 1: division by zero.
            [0xed] + ones + [0x7f], [0xee] + ones + [0xff], [0xff] + ones + [0xff],  // Not less than the modulus.
        ]
        for key in impossible {
            #expect(throws: KeyError.invalidPublicKey) { try KeyAgreementKey.publicKey(ofEd25519: key) }
        }
        #expect(throws: KeyError.wrongKeyLength(byteCount: 31, expectedByteCount: 32)) {
            try KeyAgreementKey.publicKey(ofEd25519: [UInt8](repeating: 0, count: 31))
        }
    }

    /// What a call that borrows a key throws; `#expect(throws:)` cannot capture one.
    private static func error(_ body: () throws(KeyError) -> Void) -> KeyError? {
        do throws(KeyError) {
            try body()
            return nil
        } catch {
            return error
        }
    }
}
