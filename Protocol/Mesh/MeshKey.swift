import Cryptography
package import Identity
import Wire

/// Where things about workers and nodes lie in the distributed hash table (Specs/naming.md, section 3).
package enum MeshKey {
    /// The namespace of worker descriptors.
    package static let workerNamespace = "dsmp-worker"
    /// The namespace of node descriptors.
    package static let nodeNamespace = "dsmp-node"
    /// The namespace of sealed records.
    package static let sealedNamespace = "dsmp-sealed"

    /// The key of a public worker's descriptor.
    package static func descriptor(of worker: WorkerName) -> [UInt8] {
        Array("/\(self.workerNamespace)/\(worker.publisher)/\(worker.name)".utf8)
    }

    /// The key of a node's descriptor.
    package static func node(_ peer: PeerID) -> [UInt8] { Array("/\(self.nodeNamespace)/\(peer)".utf8) }

    /// The key of the sealed record that a key signs.
    package static func sealed(by signer: PeerID) -> [UInt8] { Array("/\(self.sealedNamespace)/\(signer)".utf8) }

    /// Under what the hosts of a public worker provide it.
    package static func hosts(of worker: WorkerName) -> [UInt8] {
        self.provider("dsmp-host/1", worker.description)
    }

    /// Under what the hosts of any public worker of this bare name provide it.
    package static func name(_ name: String) -> [UInt8] { self.provider("dsmp-name/1", name) }

    /// Under what the hosts of any public worker with this tag provide it.
    package static func tag(_ tag: String) -> [UInt8] { self.provider("dsmp-tag/1", tag) }

    /// A multihash whose digest was derived elsewhere. The digest has 32 bytes.
    package static func provider(digest: [UInt8]) -> [UInt8] {
        precondition(digest.count == SHA256.digestByteCount, "a provider key holds 32 bytes")
        return [0x12, 0x20] + digest
    }

    private static func provider(_ purpose: String, _ text: String) -> [UInt8] {
        self.provider(digest: SHA256.digest(Array(purpose.utf8) + [0] + Array(text.utf8)))
    }
}
