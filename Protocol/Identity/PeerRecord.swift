package import Wire

/// Where a peer says that it can be reached (libp2p specs, RFC 0003). A record with a greater sequence number replaces
/// an older one.
package struct PeerRecord: Hashable, Sendable {
    /// The longest record that is decoded, in bytes.
    package static let maximumByteCount = 8 << 10
    /// The greatest number of addresses that is kept; more are dropped.
    package static let maximumAddressCount = 64

    package let peerID: PeerID
    package let sequence: UInt64
    package let addresses: [Multiaddr]

    package init(peerID: PeerID, sequence: UInt64, addresses: [Multiaddr]) {
        self.peerID = peerID
        self.sequence = sequence
        self.addresses = addresses
    }

    /// Decodes a payload. Addresses of a kind that is not understood are left out, as is usual.
    ///
    /// - Throws: ``IdentityError/malformed(_:)`` or ``IdentityError/key(_:)``.
    package init(bytes: [UInt8]) throws(IdentityError) {
        let message: PeerRecordMessage
        do { message = try decode(PeerRecordMessage.self, bytes, limit: Self.maximumByteCount) } catch {
            throw .malformed(error)
        }
        self.peerID = try PeerID(bytes: Array(message.peerID))
        self.sequence = message.seq
        var addresses: [Multiaddr] = []
        for entry in message.addresses.prefix(Self.maximumAddressCount) {
            if let address = try? Multiaddr(bytes: Array(entry.multiaddr)) { addresses.append(address) }
        }
        self.addresses = addresses
    }

    /// The binary form.
    package var bytes: [UInt8] {
        var message = PeerRecordMessage()
        message.peerID = self.peerID.bytes.data
        message.seq = self.sequence
        message.addresses = self.addresses.map { address in
            var entry = PeerRecordMessage.AddressInfo()
            entry.multiaddr = address.bytes.data
            return entry
        }
        return encode(message)
    }

    /// The record in an envelope. `keyPair` must be the peer's own.
    package func signed(by keyPair: KeyPair) -> SignedEnvelope {
        precondition(keyPair.peerID == self.peerID, "a peer signs only its own addresses")
        return SignedEnvelope(self.bytes, domain: .peerRecord, signedBy: keyPair)
    }

    /// Decodes a signed record and checks that the peer it is about signed it, and that this is `peerID`: the peer that
    /// is known to be at the other end, or that was asked for.
    ///
    /// - Throws: ``IdentityError/wrongPeer(expected:found:)`` (CVE-2023-40583), and what
    ///   ``SignedEnvelope/init(verifying:domain:limit:)`` throws.
    package init(verifying bytes: [UInt8], from peerID: PeerID) throws(IdentityError) {
        let envelope = try SignedEnvelope(verifying: bytes, domain: .peerRecord, limit: 2 * Self.maximumByteCount)
        guard envelope.signer == peerID else { throw .wrongPeer(expected: peerID, found: envelope.signer) }
        let record = try PeerRecord(bytes: envelope.payload)
        guard record.peerID == peerID else { throw .wrongPeer(expected: peerID, found: record.peerID) }
        self = record
    }
}
