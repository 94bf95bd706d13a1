import Identity
package import Kademlia
import Mesh

/// The rules of the mesh's records, for the distributed hash table (Specs/records.md, section 6).
package struct MeshRecordValidator: RecordValidator {
    package static let namespaces = MeshRecord.namespaces

    package init() {}

    package func validate(key: [UInt8], value: [UInt8], unixMilliseconds: UInt64) throws(ValueRefusal) -> UInt64? {
        do throws(RecordRefusal) {
            return try MeshRecord(key: key, value: value, unixMilliseconds: unixMilliseconds).expires
        } catch .expired {
            throw .expired
        } catch {
            throw .invalid("\(error)")
        }
    }

    package func compare(key: [UInt8], _ first: [UInt8], _ second: [UInt8]) -> RecordOrder {
        // Both were accepted before; the time that they were accepted at no longer matters.
        guard let one = Self.sequence(of: first, key: key), let other = Self.sequence(of: second, key: key) else {
            return .same
        }
        if one == other { return first == second ? .same : .conflicting }
        return one > other ? .firstIsBetter : .secondIsBetter
    }

    private static func sequence(of value: [UInt8], key: [UInt8]) -> UInt64? {
        switch ValidatorRegistry.namespace(of: key) {
        case MeshKey.workerNamespace: (try? SignedRecord<WorkerDescriptor>(verifying: value))?.content.sequence
        case MeshKey.nodeNamespace: (try? SignedRecord<NodeDescriptor>(verifying: value))?.content.sequence
        case MeshKey.sealedNamespace: (try? SealedRecord(verifying: value))?.sequence
        default: nil
        }
    }
}
