package import Cryptography

/// The three messages of `Noise_XX_25519_ChaChaPoly_SHA256` (Noise revision 34, sections 5.3 and 7.5), with payloads as
/// plain bytes. Messages alternate: the initiator writes the first and the third, the responder the second.
package struct NoiseXX: ~Copyable {
    private let isInitiator: Bool
    private let ephemeralKey: KeyAgreementKey
    private var state: NoiseSymmetricState
    private var peerEphemeralKey: [UInt8] = []
    /// The number of messages written and read.
    private var messageCount = 0
    /// The peer's static public key; empty before the message that carries it.
    package private(set) var peerStaticKey: [UInt8] = []

    /// Begins a handshake with an ephemeral key that is used in no other.
    package init(isInitiator: Bool, prologue: [UInt8] = [], ephemeralKey: consuming KeyAgreementKey) {
        self.isInitiator = isInitiator
        self.ephemeralKey = ephemeralKey
        self.state = NoiseSymmetricState(prologue: prologue)
    }

    /// True when all three messages were exchanged.
    package var isFinished: Bool { self.messageCount == 3 }

    /// True when the next message is ours to write.
    package var isOurTurn: Bool { !self.isFinished && self.messageCount.isMultiple(of: 2) == self.isInitiator }

    /// The hash over the whole handshake, equal on both sides.
    package var handshakeHash: [UInt8] { self.state.hash }

    /// Makes the next message. It must be our turn.
    ///
    /// - Throws: ``KeyError/smallOrderPoint`` when the peer's key makes a secret that is no secret.
    package mutating func writeMessage(
        payload: [UInt8], staticKey: borrowing KeyAgreementKey
    ) throws(KeyError) -> [UInt8] {
        precondition(self.isOurTurn, "the next handshake message is not ours to write")
        var message: [UInt8] = []
        switch self.messageCount {
        case 0:
            self.appendEphemeralKey(to: &message)
        case 1:
            self.appendEphemeralKey(to: &message)
            self.state.mixKey(try self.ephemeralKey.sharedSecret(with: self.peerEphemeralKey))
            self.state.encryptAndHash(staticKey.publicKey, to: &message)
            self.state.mixKey(try staticKey.sharedSecret(with: self.peerEphemeralKey))
        default:
            self.state.encryptAndHash(staticKey.publicKey, to: &message)
            self.state.mixKey(try staticKey.sharedSecret(with: self.peerEphemeralKey))
        }
        self.state.encryptAndHash(payload, to: &message)
        self.messageCount += 1
        return message
    }

    /// Reads the next message and gives its payload. It must be the peer's turn.
    ///
    /// - Throws: ``NoiseFailure``; the handshake is over then.
    package mutating func readMessage(
        _ message: ArraySlice<UInt8>, staticKey: borrowing KeyAgreementKey
    ) throws(NoiseFailure) -> [UInt8] {
        precondition(!self.isOurTurn && !self.isFinished, "the next handshake message is not the peer's to write")
        var rest = message
        do {
            switch self.messageCount {
            case 0:
                try self.readEphemeralKey(&rest)
            case 1:
                try self.readEphemeralKey(&rest)
                self.state.mixKey(try self.ephemeralKey.sharedSecret(with: self.peerEphemeralKey))
                self.peerStaticKey = try self.state.decryptAndHash(Self.take(48, from: &rest))
                self.state.mixKey(try self.ephemeralKey.sharedSecret(with: self.peerStaticKey))
            default:
                self.peerStaticKey = try self.state.decryptAndHash(Self.take(48, from: &rest))
                self.state.mixKey(try self.ephemeralKey.sharedSecret(with: self.peerStaticKey))
            }
            let payload = try self.state.decryptAndHash(rest)
            self.messageCount += 1
            return payload
        } catch let failure as NoiseFailure {
            throw failure
        } catch is KeyError {
            throw .unsafeKey
        } catch {
            throw .authenticationFailed(message: self.messageCount + 1)
        }
    }

    /// The keys of the channel, after the last message.
    package func split() -> (sending: [UInt8], receiving: [UInt8]) {
        precondition(self.isFinished, "there are no keys before the handshake is complete")
        let keys = self.state.split()
        return self.isInitiator
            ? (keys.initiatorToResponder, keys.responderToInitiator)
            : (keys.responderToInitiator, keys.initiatorToResponder)
    }

    private mutating func appendEphemeralKey(to message: inout [UInt8]) {
        message += self.ephemeralKey.publicKey
        self.state.mixHash(self.ephemeralKey.publicKey[...])
    }

    private mutating func readEphemeralKey(_ rest: inout ArraySlice<UInt8>) throws(NoiseFailure) {
        let key = try Self.take(KeyAgreementKey.byteCount, from: &rest)
        self.peerEphemeralKey = Array(key)
        self.state.mixHash(key)
    }

    private static func take(
        _ count: Int, from rest: inout ArraySlice<UInt8>
    ) throws(NoiseFailure) -> ArraySlice<UInt8> {
        guard rest.count >= count else { throw .messageTooShort }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}
