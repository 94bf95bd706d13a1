import Wire

/// A varint that is read is written the same.
func fuzzVarint(_ bytes: [UInt8]) {
    var reader = ByteReader(bytes)
    guard let value = try? reader.varint() else { return }
    let byteCount = bytes.count - reader.remaining.count
    precondition(Varint.encode(value) == Array(bytes.prefix(byteCount)))
    precondition(Varint.byteCount(of: value) == byteCount)
    guard let part = try? reader.lengthPrefixed(limit: 8) else { return }
    precondition(part.count <= 8)
}

/// A binary multiaddr has one form, in bytes, parts and text.
func fuzzMultiaddr(_ bytes: [UInt8]) {
    guard let address = try? Multiaddr(bytes: bytes) else { return }
    precondition(bytes.count <= Multiaddr.maximumByteCount)
    let components = address.components
    precondition(components.count <= Multiaddr.maximumComponentCount)
    precondition((try? Multiaddr(components)) == address)
    precondition((try? Multiaddr(address.description)) == address)
    _ = (address.tcpEndpoint, address.tcpName, address.peerIDBytes, address.isRelayed, address.withoutPeerID)
}

/// A multiaddr as text leads to bytes whose text leads to the same bytes.
func fuzzMultiaddrText(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let address = try? Multiaddr(text) else { return }
    precondition((try? Multiaddr(bytes: address.bytes)) == address)
    precondition((try? Multiaddr(address.description)) == address)
}

/// A content identifier has one binary form, and one text in each base.
func fuzzCID(_ bytes: [UInt8]) {
    if let cid = try? CID(bytes: bytes) {
        precondition(cid.bytes == bytes)
        for base in Multibase.allCases { precondition((try? CID(cid.text(in: base))) == cid) }
    }
    let text = String(decoding: bytes, as: UTF8.self)
    if let (base, decoded) = try? Multibase.decode(text) { precondition(base.encode(decoded) == text) }
    if let cid = try? CID(text) { precondition((try? CID(bytes: cid.bytes)) == cid) }
    if let address = IPAddress(text) { precondition(IPAddress(address.description) == address) }
}

/// A message that is read can be written and read again.
func fuzzMessages(_ bytes: [UInt8]) {
    let limit = 4_096
    if let message = try? decode(KademliaMessage.self, bytes, limit: limit) {
        precondition((try? decode(KademliaMessage.self, encode(message), limit: 16 * limit)) == message)
    }
    if let message = try? decode(IdentifyMessage.self, bytes, limit: limit) {
        precondition((try? decode(IdentifyMessage.self, encode(message), limit: 16 * limit)) == message)
    }
    if let message = try? decode(NoiseHandshakePayloadMessage.self, bytes, limit: limit) {
        precondition((try? decode(NoiseHandshakePayloadMessage.self, encode(message), limit: 16 * limit)) == message)
    }
}
