import Cryptography
import TestKit
import Testing

@Suite("A sealed box") struct SealedBoxTests {
    private struct Vector: Decodable {
        var recipientSeed: String
        var recipientEd25519: String
        var recipientX25519: String
        var ephemeralPrivate: String
        var associatedData: String
        var plaintext: String
        var box: String

        enum CodingKeys: String, CodingKey {
            case recipientSeed = "recipient_seed"
            case recipientEd25519 = "recipient_ed25519"
            case recipientX25519 = "recipient_x25519"
            case ephemeralPrivate = "ephemeral_private"
            case associatedData = "associated_data"
            case plaintext, box
        }
    }

    private static let recipient = KeyAgreementKey(ed25519Seed: [UInt8](repeating: 4, count: 32)).publicKey

    @Test("is what the specification's vectors say") func published() throws {
        let vectors = try Repository.vectors("Specs/vectors/sealed_box.json", as: [Vector].self)
        #expect(vectors.count == 3)
        for vector in vectors {
            let recipient = try KeyAgreementKey.publicKey(ofEd25519: hex(vector.recipientEd25519))
            #expect(recipient == (try hex(vector.recipientX25519)))
            let box = try SealedBox.seal(
                hex(vector.plaintext), to: recipient, associatedData: hex(vector.associatedData),
                ephemeralPrivateKey: hex(vector.ephemeralPrivate))
            #expect(box == (try hex(vector.box)))
            let key = try KeyAgreementKey(ed25519Seed: hex(vector.recipientSeed))
            let opened = try SealedBox.open(box, with: key, associatedData: hex(vector.associatedData))
            #expect(opened == (try hex(vector.plaintext)))
        }
    }

    @Test("opens only whole, for its recipient, at its place") func refusals() throws {
        let associatedData = Array("place".utf8)
        let box = try SealedBox.seal(
            [1, 2, 3], to: Self.recipient, associatedData: associatedData,
            ephemeralPrivateKey: [UInt8](repeating: 8, count: 32))
        #expect(box.count == 3 + SealedBox.overheadByteCount)
        #expect(Self.opened(box, associatedData) == [1, 2, 3])
        #expect(Self.opened(box, []) == nil)
        #expect(Self.opened(box, associatedData, seed: 5) == nil)
        for index in box.indices {
            var wrong = box
            wrong[index] ^= 1
            #expect(Self.opened(wrong, associatedData) == nil, "byte \(index)")
        }
        for count in 0..<box.count { #expect(Self.opened(Array(box.prefix(count)), associatedData) == nil) }
        #expect(Self.opened(box + [0], associatedData) == nil)
        let smallOrder = [1] + [UInt8](repeating: 0, count: 32) + box[33...]
        #expect(Self.opened(smallOrder, associatedData) == nil)
    }

    @Test("holds at most 1 MiB") func isBounded() throws {
        let ephemeral = [UInt8](repeating: 8, count: 32)
        let longest = [UInt8](repeating: 1, count: SealedBox.maximumPlaintextByteCount)
        let box = try SealedBox.seal(
            longest, to: Self.recipient, associatedData: [], ephemeralPrivateKey: ephemeral)
        #expect(Self.opened(box, []) == longest)
        #expect(Self.opened(box + [0], []) == nil)
    }

    @Test("cannot be made for nobody") func refusesRecipients() {
        let ephemeral = [UInt8](repeating: 8, count: 32)
        #expect(throws: KeyError.smallOrderPoint) {
            try SealedBox.seal(
                [1], to: [UInt8](repeating: 0, count: 32), associatedData: [], ephemeralPrivateKey: ephemeral)
        }
        #expect(throws: KeyError.wrongKeyLength(byteCount: 31, expectedByteCount: 32)) {
            try SealedBox.seal(
                [1], to: [UInt8](repeating: 9, count: 31), associatedData: [], ephemeralPrivateKey: ephemeral)
        }
        #expect(throws: KeyError.wrongSeedLength(byteCount: 31)) {
            try SealedBox.seal(
                [1], to: Self.recipient, associatedData: [], ephemeralPrivateKey: Array(ephemeral.dropLast()))
        }
    }

    private static func opened(_ box: [UInt8], _ associatedData: [UInt8], seed: UInt8 = 4) -> [UInt8]? {
        let key = KeyAgreementKey(ed25519Seed: [UInt8](repeating: seed, count: 32))
        return try? SealedBox.open(box, with: key, associatedData: associatedData)
    }
}
