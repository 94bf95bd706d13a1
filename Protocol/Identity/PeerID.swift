import Cryptography
package import Wire

/// Who a peer is: the multihash of its public key (libp2p specs, peer-ids/peer-ids.md). Ordered by its bytes.
package struct PeerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Keys up to this length are in the id themselves, in bytes.
    package static let maximumInlinedKeyByteCount = 42

    /// The binary form: 38 bytes for an Ed25519 key, 34 for a digest.
    package let bytes: [UInt8]

    /// The id of a key's owner.
    package init(_ publicKey: PublicKey) {
        let key = publicKey.protobuf
        if key.count <= Self.maximumInlinedKeyByteCount {
            self.bytes = [0x00, UInt8(truncatingIfNeeded: key.count)] + key
        } else {
            self.bytes = [0x12, 0x20] + SHA256.digest(key)
        }
    }

    /// Reads the binary form, which must be all of `bytes`. An inlined key must be a valid one in canonical form.
    ///
    /// - Throws: ``IdentityError/malformed(_:)`` or ``IdentityError/key(_:)``.
    package init(bytes: [UInt8]) throws(IdentityError) {
        // Nearly every id has this form; only the others need decoding.
        if bytes.count == 38, bytes[0] == 0x00, bytes[1] == 0x24, bytes[2...].starts(with: PublicKey.ed25519Prefix) {
            self.bytes = bytes
            return
        }
        let multihash: Multihash
        do { multihash = try Multihash(bytes: bytes) } catch { throw .malformed(error) }
        switch multihash.function {
        case .sha256: self.bytes = bytes
        case .identity:
            guard multihash.digest.count <= Self.maximumInlinedKeyByteCount else {
                throw .malformed(
                    .overLimit(value: UInt64(multihash.digest.count), limit: Self.maximumInlinedKeyByteCount))
            }
            guard try PublicKey(protobuf: multihash.digest).protobuf == multihash.digest else {
                throw .malformed(.malformed("the key inside a peer id is not in canonical form"))
            }
            self.bytes = bytes
        default: throw .malformed(.unsupported("a peer id with the digest function \(multihash.function.rawValue)"))
        }
    }

    /// Reads a text form: `12D3Koo…` and `Qm…` in base 58, or a content identifier such as `bafz…` or `k51…`.
    ///
    /// - Throws: ``IdentityError/malformed(_:)`` or ``IdentityError/key(_:)``.
    package init(_ text: some StringProtocol) throws(IdentityError) {
        let bytes: [UInt8]
        do throws(WireError) {
            if text.hasPrefix("1") || text.hasPrefix("Qm") {
                bytes = try Multibase.base58btc.decodeBare(text)
            } else {
                let cid = try CID(text)
                guard cid.codec == .libp2pKey else {
                    throw WireError.malformed("the identifier \(text.prefix(80)) is of content, not of a peer")
                }
                bytes = cid.multihash.bytes
            }
        } catch { throw .malformed(error) }
        try self.init(bytes: bytes)
    }

    /// The text form that people know, in base 58: `12D3Koo…`.
    package var description: String { Multibase.base58btc.encodeBare(self.bytes) }

    /// The other text form, a content identifier in base 32: `bafz…`.
    package var cidText: String {
        guard let multihash = try? Multihash(bytes: self.bytes) else {
            preconditionFailure("a peer id was made from bytes that were not checked")
        }
        return CID(.libp2pKey, multihash).description
    }

    /// The key, when the id holds it. Every Ed25519 id does.
    package var publicKey: PublicKey? {
        self.bytes.first == 0x00 ? try? PublicKey(protobuf: Array(self.bytes.dropFirst(2))) : nil
    }

    /// The layer that names this peer in an address.
    package var component: Multiaddr.Component {
        guard let multihash = try? Multihash(bytes: self.bytes) else {
            preconditionFailure("a peer id was made from bytes that were not checked")
        }
        return .p2p(multihash)
    }

    package static func < (left: PeerID, right: PeerID) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}
