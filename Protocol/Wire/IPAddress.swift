/// An address of the Internet Protocol, version 4 or 6, without a zone.
package enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    /// The address in network byte order.
    ///
    /// - Returns: nil unless there are 4 or 16 bytes.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            self = .v6(high: high, low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
        default: return nil
        }
    }

    /// 4 or 16 bytes in network byte order.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .v4(let value): bytes.appendBigEndian(value)
        case .v6(let high, let low):
            bytes.appendBigEndian(high)
            bytes.appendBigEndian(low)
        }
        return bytes
    }

    /// The version 4 address inside `::ffff:0:0/96` (RFC 4291, section 2.5.5.2), else the address itself.
    package var unmapped: IPAddress {
        guard case .v6(0, let low) = self, low >> 32 == 0xffff else { return self }
        return .v4(UInt32(truncatingIfNeeded: low))
    }

    /// `0.0.0.0` or `::`, which stand for every address of the machine.
    package var isUnspecified: Bool {
        switch self.unmapped {
        case .v4(let value): value == 0
        case .v6(let high, let low): high == 0 && low == 0
        }
    }

    /// 127.0.0.0/8 or `::1`.
    package var isLoopback: Bool {
        switch self.unmapped {
        case .v4(let value): value >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// 169.254.0.0/16 (RFC 3927) or fe80::/10.
    package var isLinkLocal: Bool {
        switch self.unmapped {
        case .v4(let value): value >> 16 == 0xa9fe
        case .v6(let high, _): high >> 54 == 0xfe80 >> 6
        }
    }

    /// 224.0.0.0/4 or ff00::/8.
    package var isMulticast: Bool {
        switch self.unmapped {
        case .v4(let value): value >> 28 == 0xe
        case .v6(let high, _): high >> 56 == 0xff
        }
    }

    /// True for an address that means another machine, or none, on another network: loopback, link-local, the private
    /// blocks of RFC 1918, shared address space (RFC 6598) and unique local addresses (RFC 4193).
    package var isPrivate: Bool {
        guard !self.isLoopback, !self.isLinkLocal else { return true }
        return switch self.unmapped {
        case .v4(let value):
            value >> 24 == 10 || value >> 20 == 0xac1 || value >> 16 == 0xc0a8 || value >> 22 == 0x6440 >> 6
        case .v6(let high, _): high >> 57 == 0xfc >> 1
        }
    }
}
