import Cryptography

/// The running hash and keys of a handshake (Noise revision 34, section 5.2), for 25519, ChaChaPoly and SHA256.
struct NoiseSymmetricState: Sendable {
    /// `Noise_XX_25519_ChaChaPoly_SHA256` has exactly the length of a digest, so that it is the first hash.
    private static let protocolName = Array("Noise_XX_25519_ChaChaPoly_SHA256".utf8)

    private var chainingKey: [UInt8]
    private(set) var hash: [UInt8]
    private var key: [UInt8]?
    private var counter: UInt64 = 0

    init(prologue: [UInt8]) {
        self.chainingKey = Self.protocolName
        self.hash = Self.protocolName
        self.mixHash(prologue[...])
    }

    mutating func mixHash(_ bytes: ArraySlice<UInt8>) {
        var digest = SHA256()
        digest.update(self.hash)
        digest.update(bytes.span.bytes)
        self.hash = digest.finalize()
    }

    mutating func mixKey(_ secret: [UInt8]) {
        let keys = HKDFSHA256.derive(secret: secret, salt: self.chainingKey, information: [], byteCount: 64)
        self.chainingKey = Array(keys[..<32])
        self.key = Array(keys[32...])
        self.counter = 0
    }

    /// Appends `plaintext` to a message, encrypted as soon as there is a key.
    mutating func encryptAndHash(_ plaintext: [UInt8], to message: inout [UInt8]) {
        guard let key = self.key else {
            self.mixHash(plaintext[...])
            message += plaintext
            return
        }
        var sealer = ChaChaPoly.Sealer(key: key)
        let sealed = sealer.seal(plaintext, nonce: .init(counter: self.counter), associatedData: self.hash)
        self.counter += 1
        self.mixHash(sealed[...])
        message += sealed
    }

    mutating func decryptAndHash(_ sealed: ArraySlice<UInt8>) throws(ChaChaPoly.AuthenticationFailure) -> [UInt8] {
        guard let key = self.key else {
            self.mixHash(sealed)
            return Array(sealed)
        }
        var opener = ChaChaPoly.Opener(key: key)
        let plaintext = try opener.open(
            Array(sealed), nonce: .init(counter: self.counter), associatedData: self.hash)
        self.counter += 1
        self.mixHash(sealed)
        return plaintext
    }

    /// The keys of the two directions, the initiator's sending key first (section 5.2, `Split`).
    func split() -> (initiatorToResponder: [UInt8], responderToInitiator: [UInt8]) {
        let keys = HKDFSHA256.derive(secret: [], salt: self.chainingKey, information: [], byteCount: 64)
        return (Array(keys[..<32]), Array(keys[32...]))
    }
}
