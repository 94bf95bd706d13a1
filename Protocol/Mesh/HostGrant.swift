package import Identity
import SwiftProtobuf
package import Wire

/// A publisher's permission for one host to run one release until a date (Specs/records.md, section 3).
package struct HostGrant: Sendable, Hashable {
    package var worker: WorkerName
    package var host: PeerID
    /// Of the release's archive.
    package var release: CID
    package var sequence: UInt64
    /// Wall time, in milliseconds since 1970.
    package var issued: UInt64
    /// Wall time, in milliseconds since 1970.
    package var expires: UInt64

    package init(
        worker: WorkerName, host: PeerID, release: CID, sequence: UInt64, issued: UInt64, expires: UInt64
    ) {
        self.worker = worker
        self.host = host
        self.release = release
        self.sequence = sequence
        self.issued = issued
        self.expires = expires
    }
}

extension HostGrant: RecordContent {
    package static let domain = SigningDomain(record: "dsmp-host-grant/1")
    package static let maximumEnvelopeBytes = 1_024
    /// 90 days.
    package static let maximumLifetimeMilliseconds: UInt64 = 7_776_000_000

    package var signer: PeerID { self.worker.publisher }

    package var payload: [UInt8] {
        var message = HostGrantMessage()
        message.publisher = self.worker.publisher.bytes.data
        message.name = self.worker.name
        message.host = self.host.bytes.data
        message.release = self.release.bytes.data
        message.issued = self.issued
        message.expires = self.expires
        message.sequence = self.sequence
        return encode(message)
    }

    package init(payload: [UInt8]) throws(RecordRefusal) {
        let message = try decodeRecord(HostGrantMessage.self, payload, limit: Self.maximumEnvelopeBytes)
        self.init(
            worker: try WorkerName(publisherBytes: [UInt8](message.publisher), name: message.name),
            host: try PeerID(recordBytes: [UInt8](message.host)),
            release: try CID(releaseBytes: [UInt8](message.release)), sequence: message.sequence,
            issued: message.issued, expires: message.expires)
    }

    package func checkBounds() throws(RecordRefusal) {}
}
