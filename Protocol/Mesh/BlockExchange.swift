package import Identity
import SwiftProtobuf
package import Wire

/// Asks for the bytes of a release (Specs/blocks.md).
package struct BlockQuery: Sendable, Hashable {
    /// The longest encoded query, in bytes.
    package static let maximumBytes = 2_048

    package let cid: CID
    /// The first byte wanted.
    package let offset: UInt64
    /// The envelope of the asker's host grant; empty where none is needed.
    package let grant: [UInt8]

    package init(cid: CID, offset: UInt64 = 0, grant: [UInt8] = []) {
        self.cid = cid
        self.offset = offset
        self.grant = grant
    }

    /// The encoded query.
    package var payload: [UInt8] {
        var message = BlockRequestMessage()
        message.cid = self.cid.bytes.data
        message.offset = self.offset
        message.grant = self.grant.data
        return encode(message)
    }

    /// Reads a query that a peer sent.
    ///
    /// - Throws: ``RecordRefusal``; the stream is then reset.
    package init(payload: [UInt8]) throws(RecordRefusal) {
        let message = try decodeRecord(BlockRequestMessage.self, payload, limit: Self.maximumBytes)
        guard message.grant.count <= HostGrant.maximumEnvelopeBytes else {
            throw .tooLong(byteCount: message.grant.count, limit: HostGrant.maximumEnvelopeBytes)
        }
        self.init(
            cid: try CID(releaseBytes: [UInt8](message.cid)), offset: message.offset, grant: [UInt8](message.grant))
    }

    /// Whether the grant in the query lets a peer have the archive of a private worker.
    ///
    /// `unixMilliseconds` is wall time, in milliseconds since 1970.
    package func isCredential(for worker: WorkerName, peer: PeerID, unixMilliseconds: UInt64) -> Bool {
        guard let grant = try? SignedRecord<HostGrant>(verifying: self.grant) else { return false }
        return grant.content.worker == worker && grant.content.host == peer && grant.content.release == self.cid
            && grant.isValid(unixMilliseconds: unixMilliseconds)
    }
}

/// What comes before the bytes of a release.
package enum BlockHeader: Sendable, Hashable {
    /// The longest encoded header, in bytes.
    package static let maximumBytes = 256

    /// The bytes from the offset follow; the size is that of the whole content, in bytes.
    case content(size: UInt64)
    case refused(CallStatus)

    /// The encoded header.
    package var payload: [UInt8] {
        var message = BlockHeaderMessage()
        switch self {
        case .content(let size): message.size = size
        case .refused(let status): message.status = status.rawValue
        }
        return encode(message)
    }

    /// Reads the header of a peer.
    ///
    /// - Throws: ``RecordRefusal``.
    package init(payload: [UInt8]) throws(RecordRefusal) {
        let message = try decodeRecord(BlockHeaderMessage.self, payload, limit: Self.maximumBytes)
        if message.status == CallStatus.ok.rawValue {
            self = .content(size: message.size)
        } else {
            self = .refused(CallStatus(rawValue: message.status) ?? .internal)
        }
    }
}
