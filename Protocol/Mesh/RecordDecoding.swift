import Identity
import SwiftProtobuf
import Wire

/// Decodes the payload of a record.
func decodeRecord<Decoded: Message>(
    _ type: Decoded.Type, _ payload: [UInt8], limit: Int
) throws(RecordRefusal) -> Decoded {
    do throws(WireError) {
        return try decode(type, payload, limit: limit)
    } catch {
        throw .malformed(error.description)
    }
}

extension WorkerName {
    /// The worker that two fields of a record name.
    init(publisherBytes: [UInt8], name: String) throws(RecordRefusal) {
        guard let worker = try? WorkerName(publisher: PeerID(bytes: publisherBytes), name: name) else {
            throw .malformed("publisher and name do not name a worker")
        }
        self = worker
    }
}

extension PeerID {
    /// The peer that a field of a record names.
    init(recordBytes: [UInt8]) throws(RecordRefusal) {
        guard let peer = try? PeerID(bytes: recordBytes) else { throw .malformed("a peer id is not one") }
        self = peer
    }
}

extension CID {
    /// The longest encoded CID of a release, in bytes.
    static let releaseByteCount = 36

    /// The CID of a release: version 1, raw codec, SHA-256.
    init(releaseBytes: [UInt8]) throws(RecordRefusal) {
        guard releaseBytes.count == Self.releaseByteCount, let cid = try? CID(bytes: releaseBytes), cid.codec == .raw,
            cid.multihash.function == .sha256
        else {
            throw .malformed("the release is not named by a CID of raw bytes with SHA-256")
        }
        self = cid
    }
}
