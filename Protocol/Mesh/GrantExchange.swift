package import Identity
import SwiftProtobuf
import Wire

/// What a host needs to run a worker of another publisher (Specs/records.md, section 8).
package struct GrantBundle: Sendable, Hashable {
    package let descriptor: SignedRecord<WorkerDescriptor>
    package let grant: SignedRecord<HostGrant>
    /// Of a private worker, else nil.
    package let secret: GroupSecret?

    package init(
        descriptor: SignedRecord<WorkerDescriptor>, grant: SignedRecord<HostGrant>, secret: GroupSecret? = nil
    ) {
        self.descriptor = descriptor
        self.grant = grant
        self.secret = secret
    }

    /// Whether a host may use the bundle now, and it is what the publisher says: both records are about one worker and
    /// one release, the grant is for this host, and a private worker comes with its secret.
    ///
    /// `unixMilliseconds` is wall time, in milliseconds since 1970.
    package func check(
        worker: WorkerName, host: PeerID, unixMilliseconds: UInt64
    ) throws(HostCheck.Refusal) {
        let content = self.descriptor.content
        do throws(RecordRefusal) {
            try self.descriptor.checkTime(unixMilliseconds: unixMilliseconds)
            guard content.release.cid == self.grant.content.release else {
                throw .malformed("descriptor and grant name different releases")
            }
            guard (content.visibility == .private) == (self.secret != nil) else {
                throw .malformed("a group secret belongs to a private worker and to no other")
            }
        } catch {
            throw .record(error)
        }
        guard content.worker == worker else { throw .otherWorker }
        try HostCheck.check(
            self.grant, of: worker, at: host, descriptor: content, unixMilliseconds: unixMilliseconds)
    }

    fileprivate var message: GrantBundleMessage {
        var message = GrantBundleMessage()
        message.descriptor = self.descriptor.envelope.data
        message.grant = self.grant.envelope.data
        message.secret = (self.secret?.payload ?? []).data
        return message
    }

    fileprivate init(_ message: GrantBundleMessage) throws(RecordRefusal) {
        let secret = [UInt8](message.secret)
        self.init(
            descriptor: try SignedRecord(verifying: [UInt8](message.descriptor)),
            grant: try SignedRecord(verifying: [UInt8](message.grant)),
            secret: secret.isEmpty ? nil : try GroupSecret.read(payload: secret))
    }
}

/// What is asked on `/dsmp/grant/1`.
package enum GrantQuery: Sendable, Hashable {
    /// The longest encoded query or answer, in bytes.
    package static let maximumBytes = 12_288

    /// A host asks the publisher for its bundle.
    case get(WorkerName)
    /// The publisher gives a host a newer one.
    case put(GrantBundle)

    /// The encoded query.
    package var payload: [UInt8] {
        var message = GrantRequestMessage()
        switch self {
        case .get(let worker): message.get = worker.description
        case .put(let bundle): message.put = bundle.message
        }
        return encode(message)
    }

    /// Reads a query that a peer sent.
    ///
    /// - Throws: ``RecordRefusal`` when it is malformed; the stream is then reset.
    package init(payload: [UInt8]) throws(RecordRefusal) {
        let message = try decodeRecord(GrantRequestMessage.self, payload, limit: Self.maximumBytes)
        switch message.request {
        case .get(let text):
            guard let worker = try? WorkerName(text) else { throw .malformed("the worker is no full name") }
            self = .get(worker)
        case .put(let bundle): self = .put(try GrantBundle(bundle))
        case nil: throw .malformed("nothing is asked")
        }
    }
}

/// What is answered on `/dsmp/grant/1`.
package enum GrantAnswer: Sendable, Hashable {
    case bundle(GrantBundle)
    /// To a `put`, whether it was taken or not.
    case received
    /// No such worker, or not for this peer: the same bytes.
    case notFound

    /// The encoded answer.
    package var payload: [UInt8] {
        var message = GrantResponseMessage()
        switch self {
        case .bundle(let bundle): message.bundle = bundle.message
        case .received: break
        case .notFound: message.status = CallStatus.notFound.rawValue
        }
        return encode(message)
    }

    /// Reads the answer of a peer. Every refusal counts as ``notFound``.
    ///
    /// - Throws: ``RecordRefusal`` when it is malformed or a record in it does not verify.
    package init(payload: [UInt8]) throws(RecordRefusal) {
        let message = try decodeRecord(GrantResponseMessage.self, payload, limit: GrantQuery.maximumBytes)
        if message.status != CallStatus.ok.rawValue {
            self = .notFound
        } else if message.hasBundle {
            self = .bundle(try GrantBundle(message.bundle))
        } else {
            self = .received
        }
    }
}
