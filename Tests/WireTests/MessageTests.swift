import Cryptography
import TestKit
import Testing
import Wire

@Suite("Protocol Buffers messages") struct MessageTests {
    @Test("were generated from the files beside them") func areCurrent() throws {
        let manifest = try String(decoding: Repository.bytes("Protocol/Wire/Generated/manifest.sha256"), as: UTF8.self)
        var listed: [String] = []
        for line in manifest.split(separator: "\n") {
            let parts = line.split(separator: " ", omittingEmptySubsequences: true)
            try #require(parts.count == 2)
            let folder = parts[1].hasSuffix(".proto") ? "Messages" : "Generated"
            let digest = SHA256.digest(try Repository.bytes("Protocol/Wire/\(folder)/\(parts[1])"))
            #expect(digest.hexadecimal == parts[0], "\(parts[1]) has changed; run Tests/Support/generate-messages")
            listed.append(String(parts[1]))
        }
        let present =
            try Repository.names(in: "Protocol/Wire/Messages") + Repository.names(in: "Protocol/Wire/Generated")
        #expect(listed.sorted() == present.filter { $0 != "manifest.sha256" }.sorted())
    }

    @Test("have the field numbers of libp2p") func fieldNumbers() {
        var publicKey = PublicKeyMessage()
        publicKey.type = .ed25519
        publicKey.data = [7].data
        #expect(encode(publicKey).hexadecimal == "0801120107")

        var envelope = EnvelopeMessage()
        envelope.publicKey = [1].data
        envelope.payloadType = [2].data
        envelope.payload = [3].data
        envelope.signature = [4].data
        #expect(encode(envelope).hexadecimal == "0a01011201021a01032a0104")

        var record = PeerRecordMessage()
        record.peerID = [1].data
        record.seq = 2
        record.addresses = [PeerRecordMessage.AddressInfo()]
        record.addresses[0].multiaddr = [3].data
        #expect(encode(record).hexadecimal == "0a010110021a030a0103")

        var payload = NoiseHandshakePayloadMessage()
        payload.identityKey = [1].data
        payload.identitySig = [2].data
        payload.extensions.streamMuxers = ["m"]
        payload.extensions.webtransportCerthashes = [[5].data]
        #expect(encode(payload).hexadecimal == "0a010112010222060a010512016d")

        var identify = IdentifyMessage()
        identify.publicKey = [1].data
        identify.listenAddrs = [[2].data]
        identify.protocols = ["p"]
        identify.observedAddr = [4].data
        identify.protocolVersion = "v"
        identify.agentVersion = "a"
        identify.signedPeerRecord = [8].data
        #expect(encode(identify).hexadecimal == "0a01011201021a01702201042a01763201614201" + "08")
    }

    @Test("of the hash table have the field numbers of libp2p") func kademliaFieldNumbers() {
        var message = KademliaMessage()
        message.type = .findNode
        message.key = [1].data
        message.record.key = [2].data
        message.record.value = [3].data
        message.record.timeReceived = "t"
        var peer = KademliaMessage.Peer()
        peer.id = [4].data
        peer.addrs = [[5].data]
        peer.connection = .canConnect
        message.closerPeers = [peer]
        message.providerPeers = [KademliaMessage.Peer()]
        message.providerPeers[0].id = [6].data
        message.clusterLevelRaw = 1
        #expect(
            encode(message).hexadecimal == "08041201011a090a010212010" + "32a0174" + "42080a01041201051802"
                + "4a030a0106"
                + "5001")
    }

    @Test("are refused above the limit of their place") func areBounded() throws {
        let bytes: [UInt8] = [0x08, 0x01, 0x12, 0x01, 0x07]
        #expect(try decode(PublicKeyMessage.self, bytes, limit: 5).type == .ed25519)
        #expect(throws: WireError.overLimit(value: 5, limit: 4)) { try decode(PublicKeyMessage.self, bytes, limit: 4) }
        #expect(try decode(PublicKeyMessage.self, ([9] + bytes)[1...], limit: 5).type == .ed25519)
    }

    @Test(
        "are refused when they are malformed",
        arguments: [
            "0a05", "ff", "0a", "0800", "1201", "0affffffffffffffff7f", "0a80", "000000", "0b", "0d0000",
            "0affffffffffffffffff01", "1a800000",
        ])
    func areChecked(bytes: String) throws {
        let bytes = try #require([UInt8](hexadecimal: bytes))
        #expect(throws: WireError.self) { try decode(PublicKeyMessage.self, bytes, limit: 1_000) }
    }

    @Test("lose the fields that are not known") func dropUnknownFields() throws {
        let known: [UInt8] = [0x0a, 0x01, 0x01]
        let message = try decode(EnvelopeMessage.self, known + [0x3a, 0x02, 1, 2, 0x40, 0x05], limit: 100)
        #expect(encode(message) == known)
    }

    /// Groups nest without a length, so that a short message can be deep. They count from the one inside the message.
    @Test("nest at most eight deep", arguments: [(7, true), (8, false), (10_000, false)])
    func areShallow(depth: Int, isAccepted: Bool) {
        let bytes = [UInt8](repeating: 0x3b, count: depth) + [UInt8](repeating: 0x3c, count: depth)
        #expect(((try? decode(EnvelopeMessage.self, bytes, limit: 30_000)) != nil) == isAccepted)
    }

    @Test("take no more than a hundred times their size in memory") func areCompact() {
        // The smallest element of a list is two bytes long; an array may have twice the room that it needs.
        let largest = max(MemoryLayout<KademliaMessage.Peer>.stride, MemoryLayout<PeerRecordMessage.AddressInfo>.stride)
        #expect(2 * largest / 2 <= 100)
    }

    @Test("survive any bytes without a trap") func hostileBytes() throws {
        var random = SplitMix64(seed: 7)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = try #require(
                [UInt8](hexadecimal: "08041201011a090a0102120103" + "2a017442080a010412010518024a030a0106"))
            for _ in 0...random.next() % 4 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(random.next() % 256)
            }
            if let message = try? decode(KademliaMessage.self, bytes, limit: 100) {
                accepted += 1
                #expect(try decode(KademliaMessage.self, encode(message), limit: 400) == message)
            }
        }
        #expect(accepted > 100)
    }
}
