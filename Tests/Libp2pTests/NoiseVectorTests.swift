import Cryptography
import Identity
import Libp2p
import TestKit
import Testing
import Wire

@Suite("The Noise XX pattern") struct NoiseVectorTests {
    struct Vectors: Decodable {
        struct Message: Decodable {
            let payload: String
            let ciphertext: String
        }
        let init_prologue: String
        let init_static: String
        let init_ephemeral: String
        let resp_prologue: String
        let resp_static: String
        let resp_ephemeral: String
        let handshake_hash: String
        let messages: [Message]
    }

    @Test("gives the messages of cacophony's vector") func matchesCacophony() throws {
        let vectors = try Repository.vectors("Specs/vectors/noise_xx_cacophony.json", as: Vectors.self)
        var initiator = NoiseXX(
            isInitiator: true, prologue: try bytes(vectors.init_prologue), ephemeralKey: try key(vectors.init_ephemeral)
        )
        var responder = NoiseXX(
            isInitiator: false, prologue: try bytes(vectors.resp_prologue),
            ephemeralKey: try key(vectors.resp_ephemeral))
        let initiatorStatic = try key(vectors.init_static)
        let responderStatic = try key(vectors.resp_static)
        for (index, message) in vectors.messages.prefix(3).enumerated() {
            let payload = try bytes(message.payload)
            if index.isMultiple(of: 2) {
                let written = try initiator.writeMessage(payload: payload, staticKey: initiatorStatic)
                #expect(written.hexadecimal == message.ciphertext)
                #expect(try responder.readMessage(written[...], staticKey: responderStatic) == payload)
            } else {
                let written = try responder.writeMessage(payload: payload, staticKey: responderStatic)
                #expect(written.hexadecimal == message.ciphertext)
                #expect(try initiator.readMessage(written[...], staticKey: initiatorStatic) == payload)
            }
        }
        #expect(initiator.handshakeHash.hexadecimal == vectors.handshake_hash)
        #expect(responder.handshakeHash.hexadecimal == vectors.handshake_hash)
        #expect(initiator.peerStaticKey == responderStatic.publicKey)
        let keys = initiator.split()
        var transport = NoiseTransport(sendingKey: keys.sending, receivingKey: keys.receiving)
        let peerKeys = responder.split()
        var peer = NoiseTransport(sendingKey: peerKeys.sending, receivingKey: peerKeys.receiving)
        for (index, message) in vectors.messages.enumerated().dropFirst(3) {
            var record: [UInt8] = []
            let payload = try bytes(message.payload)
            if index.isMultiple(of: 2) {
                transport.seal(payload, appendingTo: &record)
            } else {
                peer.seal(payload, appendingTo: &record)
            }
            #expect(record.dropFirst(2).hexadecimal == message.ciphertext)
        }
    }
}

@Suite("The libp2p handshake over Noise") struct NoiseLibp2pVectorTests {
    struct Vectors: Decodable {
        struct Record: Decodable {
            let from: String
            let plain: String
            let cipher: String
        }
        let initiator_identity_seed: String
        let responder_identity_seed: String
        let static_i: String
        let eph_i: String
        let static_r: String
        let eph_r: String
        let initiator_peer_id: String
        let responder_peer_id: String
        let message1: String
        let message2: String
        let message3: String
        let handshake_hash: String
        let key_initiator_to_responder: String
        let key_responder_to_initiator: String
        let transport: [Record]
    }

    @Test("gives the messages, keys and peer ids of the vector") func matchesVector() throws {
        let vectors = try Repository.vectors("Specs/vectors/noise_xx_libp2p.json", as: Vectors.self)
        let ours = try KeyPair(seed: bytes(vectors.initiator_identity_seed))
        let theirs = try KeyPair(seed: bytes(vectors.responder_identity_seed))
        var dialer = NoiseHandshake(
            role: .dialer(expected: theirs.peerID),
            credentials: try NoiseCredentials(identity: ours, staticPrivateKey: bytes(vectors.static_i)),
            ephemeralKey: try key(vectors.eph_i))
        var listener = NoiseHandshake(
            role: .listener,
            credentials: try NoiseCredentials(identity: theirs, staticPrivateKey: bytes(vectors.static_r)),
            ephemeralKey: try key(vectors.eph_r))
        let first = try dialer.start()
        #expect(first.hexadecimal == vectors.message1)
        let second = try #require(try listener.receive(first[...]).reply)
        #expect(second.hexadecimal == vectors.message2)
        let atDialer = try dialer.receive(second[...])
        let third = try #require(atDialer.reply)
        #expect(third.hexadecimal == vectors.message3)
        let dialed = try #require(atDialer.outcome)
        let accepted = try #require(try listener.receive(third[...]).outcome)
        #expect(dialed.peerID.description == vectors.responder_peer_id)
        #expect(accepted.peerID.description == vectors.initiator_peer_id)
        #expect(dialed.muxer == "/yamux/1.0.0" && accepted.muxer == "/yamux/1.0.0")
        #expect(dialed.handshakeHash.hexadecimal == vectors.handshake_hash)
        #expect(accepted.handshakeHash == dialed.handshakeHash)
        #expect(dialed.sendingKey.hexadecimal == vectors.key_initiator_to_responder)
        #expect(dialed.receivingKey.hexadecimal == vectors.key_responder_to_initiator)
        #expect(accepted.receivingKey == dialed.sendingKey && accepted.sendingKey == dialed.receivingKey)
        for record in vectors.transport {
            let sender = record.from == "initiator" ? dialed : accepted
            var transport = NoiseTransport(sendingKey: sender.sendingKey, receivingKey: sender.receivingKey)
            var sealed: [UInt8] = []
            transport.seal(try bytes(record.plain), appendingTo: &sealed)
            #expect(sealed.dropFirst(2).hexadecimal == record.cipher)
        }
    }
}

private func bytes(_ hexadecimal: String) throws -> [UInt8] { try #require([UInt8](hexadecimal: hexadecimal)) }
private func key(_ hexadecimal: String) throws -> KeyAgreementKey {
    try KeyAgreementKey(privateKey: bytes(hexadecimal))
}
