package import Identity
import SwiftProtobuf
import Wire

extension WorkerDescriptor: RecordContent {
    package static let domain = SigningDomain(record: "dsmp-worker-descriptor/1")
    package static let maximumEnvelopeBytes = 6_144
    /// 7 days.
    package static let maximumLifetimeMilliseconds: UInt64 = 604_800_000

    package var signer: PeerID { self.worker.publisher }

    package var payload: [UInt8] {
        var message = WorkerDescriptorMessage()
        message.publisher = self.worker.publisher.bytes.data
        message.name = self.worker.name
        message.kind = self.kind.rawValue
        message.release.version = self.release.version
        message.release.cid = self.release.cid.bytes.data
        message.release.archiveSize = self.release.archiveBytes
        message.methods = self.methods.map { method in
            var encoded = WorkerMethodMessage()
            encoded.name = method.name
            encoded.summary = method.summary
            encoded.idempotent = method.isIdempotent
            return encoded
        }
        message.tags = self.tags
        message.visibility = self.visibility.rawValue
        message.summary = self.summary
        message.sequence = self.sequence
        message.issued = self.issued
        message.expires = self.expires
        message.grantFloor = self.grantFloor
        message.price = self.price.data
        message.withdrawn = self.isWithdrawn
        return encode(message)
    }

    package init(payload: [UInt8]) throws(RecordRefusal) {
        let message = try decodeRecord(WorkerDescriptorMessage.self, payload, limit: Self.maximumEnvelopeBytes)
        let worker = try WorkerName(publisherBytes: [UInt8](message.publisher), name: message.name)
        guard let kind = Kind(rawValue: message.kind) else { throw .malformed("the kind is unknown") }
        guard let visibility = Visibility(rawValue: message.visibility) else {
            throw .malformed("the visibility is unknown")
        }
        self.init(
            worker: worker, kind: kind, release: try Release(message.release),
            methods: message.methods.map {
                Method(name: $0.name, summary: $0.summary, isIdempotent: $0.idempotent)
            },
            tags: message.tags, visibility: visibility, summary: message.summary, price: [UInt8](message.price),
            grantFloor: message.grantFloor, isWithdrawn: message.withdrawn, sequence: message.sequence,
            issued: message.issued, expires: message.expires)
        try self.checkBounds()
    }

    package func checkBounds() throws(RecordRefusal) {
        guard WorkerText.isVersion(self.release.version) else { throw .malformed("the version is not one") }
        guard (1...Self.maximumArchiveBytes).contains(self.release.archiveBytes) else {
            throw .malformed("the archive has no size between 1 and \(Self.maximumArchiveBytes) bytes")
        }
        guard (1...Self.maximumMethods).contains(self.methods.count) else {
            throw .malformed("there are not 1 to \(Self.maximumMethods) methods")
        }
        guard Set(self.methods.map(\.name)).count == self.methods.count else {
            throw .malformed("two methods have one name")
        }
        for method in self.methods {
            guard WorkerText.isMethod(method.name) else { throw .malformed("a method has a name that is not one") }
            guard WorkerText.isPrintable(method.summary, limit: WorkerText.methodSummaryBytes) else {
                throw .malformed("a method's summary is too long or has control characters")
            }
        }
        guard self.tags.count <= Self.maximumTags, Set(self.tags).count == self.tags.count else {
            throw .malformed("there are more than \(Self.maximumTags) tags, or two are the same")
        }
        guard self.tags.allSatisfy(WorkerText.isTag) else { throw .malformed("a tag is not one") }
        guard WorkerText.isPrintable(self.summary, limit: WorkerText.summaryBytes) else {
            throw .malformed("the summary is too long or has control characters")
        }
        guard self.price.count <= Self.maximumPriceBytes else {
            throw .malformed("the price is over \(Self.maximumPriceBytes) bytes")
        }
    }
}

extension WorkerDescriptor.Release {
    fileprivate init(_ message: ReleaseMessage) throws(RecordRefusal) {
        self.init(
            version: message.version, cid: try CID(releaseBytes: [UInt8](message.cid)),
            archiveBytes: message.archiveSize)
    }
}
