import Cryptography
import TestKit
import Testing

@Suite("A signing key") struct SigningKeyTests {
    struct Vector: Sendable {
        var seed: String
        var publicKey: String
        var message: String
        var signature: String
    }

    /// RFC 8032, section 7.1, tests 1 to 3.
    static let published = [
        Vector(
            seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", message: "",
            signature:
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
                + "d25bf5f0595bbe24655141438e7a100b"),
        Vector(
            seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", message: "72",
            signature:
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
                + "387b2eaeb4302aeeb00d291612bb0c00"),
        Vector(
            seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", message: "af82",
            signature:
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
                + "4a7c15e9716ed28dc027beceea1ec40a"),
    ]

    @Test("signs as RFC 8032 says", arguments: Self.published) func signs(vector: Vector) throws {
        let key = try SigningKey(seed: hex(vector.seed))
        let message = try hex(vector.message)
        let signature = try hex(vector.signature)
        let publicKey = key.publicKey
        #expect(publicKey == (try hex(vector.publicKey)))
        #expect(key.sign(message) == signature)
        #expect(Ed25519.isValid(signature: signature, for: message, publicKey: publicKey))
        #expect(!Ed25519.isValid(signature: signature, for: message + [0], publicKey: publicKey))
    }

    @Test("refuses a seed that is not 32 bytes", arguments: [0, 31, 33, 64]) func refusesWrongLength(byteCount: Int) {
        #expect(throws: KeyError.wrongSeedLength(byteCount: byteCount)) {
            _ = try SigningKey(seed: [UInt8](repeating: 7, count: byteCount))
        }
    }

    @Test("makes signatures in which every bit counts") func everyBit() throws {
        let key = try SigningKey(seed: [UInt8](repeating: 7, count: 32))
        let publicKey = key.publicKey
        let message = Array("message".utf8)
        let signature = key.sign(message)
        for bit in 0..<512 {
            var wrong = signature
            wrong[bit / 8] ^= 1 << (bit % 8)
            #expect(!Ed25519.isValid(signature: wrong, for: message, publicKey: publicKey), "bit \(bit)")
        }
        for bit in 0..<256 {
            var wrong = publicKey
            wrong[bit / 8] ^= 1 << (bit % 8)
            #expect(!Ed25519.isValid(signature: signature, for: message, publicKey: wrong), "bit \(bit)")
        }
        for count in [0, 63, 65] {
            let wrong = Array((signature + [0]).prefix(count))
            #expect(!Ed25519.isValid(signature: wrong, for: message, publicKey: publicKey))
        }
        for count in [0, 31, 33] {
            let wrong = Array((publicKey + [0]).prefix(count))
            #expect(!Ed25519.isValid(signature: signature, for: message, publicKey: wrong))
        }
    }

    @Test("makes only signatures with a reduced scalar") func isNotMalleable() throws {
        // S + L instead of S (RFC 8032, section 5.1.7): the same signature with other bytes.
        let vector = Self.published[1]
        var signature = try hex(vector.signature)
        let order = try hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
        var carry = 0
        for index in 0..<32 {
            carry += Int(signature[32 + index]) + Int(order[index])
            signature[32 + index] = UInt8(truncatingIfNeeded: carry)
            carry >>= 8
        }
        #expect(try !Ed25519.isValid(signature: signature, for: hex(vector.message), publicKey: hex(vector.publicKey)))
    }

    @Test("is never one with which anybody can sign") func refusesSmallOrder() {
        // With the neutral point as key and R, and S = 0, the equation holds for every message.
        let neutral = [1] + [UInt8](repeating: 0, count: 31)
        let signature = neutral + [UInt8](repeating: 0, count: 32)
        #expect(!Ed25519.isValid(signature: signature, for: [1, 2, 3], publicKey: neutral))
        var negative = neutral
        negative[31] |= 0x80
        #expect(!Ed25519.isValid(signature: signature, for: [1, 2, 3], publicKey: negative))
    }

    @Test("signs for several threads at a time") func isSendable() async throws {
        final class Owner: Sendable {
            let key: SigningKey
            init(seed: [UInt8]) throws { self.key = try SigningKey(seed: seed) }
        }
        let owner = try Owner(seed: [UInt8](repeating: 3, count: 32))
        let publicKey = owner.key.publicKey
        let count = await withTaskGroup(of: Int.self) { group in
            for thread in 0..<4 {
                group.addTask { @concurrent in
                    (0..<50).count { round in
                        let message = [UInt8(thread), UInt8(round)]
                        return Ed25519.isValid(signature: owner.key.sign(message), for: message, publicKey: publicKey)
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(count == 200)
    }
}
