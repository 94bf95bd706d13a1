import Cryptography
package import Identity
import SwiftProtobuf
import Wire

/// What the members of a private worker share for one epoch (Specs/private-workers.md, section 2).
package struct GroupSecret: Sendable, Hashable {
    /// The length of the secret and of a location, in bytes.
    package static let secretBytes = 32
    /// The longest encoded group secret, in bytes.
    package static let maximumEncodedBytes = 128

    /// From 1; grows with each rotation.
    package let epoch: UInt64
    /// 32 random bytes.
    package let secret: [UInt8]
    /// The public half of the location key, 32 bytes: where the sealed descriptor lies.
    package let location: [UInt8]

    /// - Throws: ``RecordRefusal/malformed(_:)`` for an epoch of 0 or another length than 32.
    package init(epoch: UInt64, secret: [UInt8], location: [UInt8]) throws(RecordRefusal) {
        guard epoch > 0, secret.count == Self.secretBytes, location.count == Self.secretBytes else {
            throw .malformed("a group secret has an epoch from 1 and two parts of 32 bytes")
        }
        self.epoch = epoch
        self.secret = secret
        self.location = location
    }

    /// The encoded secret, for a slot or a bundle.
    package var payload: [UInt8] {
        var message = GroupSecretMessage()
        message.epoch = self.epoch
        message.secret = self.secret.data
        message.location = self.location.data
        return encode(message)
    }

    /// The encoding that tells a member that it is no longer one.
    package static func emptyPayload(epoch: UInt64) -> [UInt8] {
        var message = GroupSecretMessage()
        message.epoch = epoch
        return encode(message)
    }

    /// Reads an encoded secret.
    ///
    /// - Returns: nil for the encoding of a member that is not granted (any more).
    /// - Throws: ``RecordRefusal/malformed(_:)``.
    package static func read(payload: [UInt8]) throws(RecordRefusal) -> GroupSecret? {
        let message = try decodeRecord(GroupSecretMessage.self, payload, limit: Self.maximumEncodedBytes)
        if message.secret.isEmpty, message.location.isEmpty { return nil }
        return try GroupSecret(
            epoch: message.epoch, secret: [UInt8](message.secret), location: [UInt8](message.location))
    }

    /// The peer id of the location key: whose sealed record holds the descriptor; nil for bytes that are no key.
    package var locationPeer: PeerID? { (try? PublicKey(ed25519: self.location))?.peerID }

    /// Encrypts the descriptor of the worker in this epoch.
    package func descriptorKey(of worker: WorkerName) -> [UInt8] { self.derive("descriptor", worker) }

    /// Under what the hosts of the worker provide it in this epoch.
    package func hostsKey(of worker: WorkerName) -> [UInt8] {
        MeshKey.provider(digest: self.derive("hosts", worker))
    }

    /// Shows a host that the caller is a member (Specs/private-workers.md, section 5). Worthless to anybody else.
    package func proof(for worker: WorkerName, caller: PeerID, host: PeerID) -> [UInt8] {
        Self.proof(memberKey: self.derive("member", worker), caller: caller, host: host)
    }

    /// A proof under a member key. Also computed, with a key that belongs to no worker, for a worker that is not here, so
    /// that both answers take the same work.
    package static func proof(memberKey: [UInt8], caller: PeerID, host: PeerID) -> [UInt8] {
        var message = Array("dsmp-member/1".utf8) + [0]
        message.appendLengthPrefixed(caller.bytes)
        message.appendLengthPrefixed(host.bytes)
        return HMACSHA256.authenticationCode(for: message, key: memberKey)
    }

    private func derive(_ purpose: String, _ worker: WorkerName) -> [UInt8] {
        HKDFSHA256.derive(
            secret: self.secret, salt: Array("dsmp-group/1".utf8),
            information: Array(purpose.utf8) + [0] + Array(worker.description.utf8), byteCount: 32)
    }
}
