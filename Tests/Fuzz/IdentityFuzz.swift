import Identity
import Wire

/// A peer id has one binary form and two texts, and its key belongs to it.
func fuzzPeerID(_ bytes: [UInt8]) {
    if let peerID = try? PeerID(bytes: bytes) {
        precondition(peerID.bytes == bytes)
        precondition((try? PeerID(peerID.description)) == peerID)
        precondition((try? PeerID(peerID.cidText)) == peerID)
        if let publicKey = peerID.publicKey { precondition(publicKey.peerID == peerID) }
        guard case .p2p(let multihash) = peerID.component else { preconditionFailure("not the layer of a peer") }
        precondition(multihash.bytes == bytes && multihash.isPeerID)
    }
    if let peerID = try? PeerID(String(decoding: bytes, as: UTF8.self)) {
        precondition((try? PeerID(bytes: peerID.bytes)) == peerID)
    }
}

/// However a key was encoded, it has one canonical encoding and one id.
func fuzzPublicKey(_ bytes: [UInt8]) {
    guard let key = try? PublicKey(protobuf: bytes) else { return }
    precondition((try? PublicKey(protobuf: key.protobuf)) == key)
    precondition((try? PeerID(bytes: key.peerID.bytes)) == key.peerID)
    _ = key.isValidSignature(Array(bytes.suffix(64)), for: bytes)
}

/// What verifies is written so that it verifies, and nothing else does.
func fuzzEnvelope(_ bytes: [UInt8]) {
    if let envelope = try? SignedEnvelope(verifying: bytes, domain: .peerRecord) {
        precondition((try? SignedEnvelope(verifying: envelope.bytes, domain: .peerRecord)) == envelope)
        _ = try? PeerRecord(verifying: bytes, from: envelope.signer)
    }
    if let record = try? PeerRecord(bytes: bytes) {
        precondition(record.addresses.count <= PeerRecord.maximumAddressCount)
        precondition((try? PeerRecord(bytes: record.bytes)) == record)
    }
}

/// A worker's name has one text.
func fuzzWorkerName(_ bytes: [UInt8]) {
    guard let name = try? WorkerName(String(decoding: bytes, as: UTF8.self)) else { return }
    precondition(WorkerName.isName(name.name))
    precondition((try? WorkerName(name.description)) == name)
}
