import Identity
import Kademlia
import TestKit
import Wire

/// A peer id that is the digest of nothing in particular.
func testPeer(_ random: inout SplitMix64) -> PeerID {
    guard let id = try? PeerID(bytes: [0x12, 0x20] + random.bytes(32)) else {
        preconditionFailure("a SHA-256 multihash is a peer id")
    }
    return id
}

/// An address of its own for each number.
func testAddress(_ number: Int) -> Multiaddr {
    let bytes: [UInt8] =
        [0x04, 10] + (0..<3).map { UInt8(truncatingIfNeeded: number >> (8 * (2 - $0))) } + [0x06, 0x0f, 0xa1]
    guard let address = try? Multiaddr(bytes: bytes) else {
        preconditionFailure("/ip4/10.x.x.x/tcp/4001 is an address")
    }
    return address
}

/// A contact with an address of its own.
func testContact(_ number: Int, _ random: inout SplitMix64) -> PeerContact {
    PeerContact(id: testPeer(&random), addresses: [testAddress(number)])
}

/// Values of 16 bytes: a sequence, then the first bytes of the key's digest. Whoever does not know the rule cannot make one.
struct SequenceValidator: RecordValidator {
    static func value(key: [UInt8], sequence: UInt64, variant: UInt8 = 0) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: sequence >> (56 - 8 * $0)) } + KademliaKey(hashing: key).bytes.prefix(7)
            + [variant]
    }

    static func sequence(of value: [UInt8]) -> UInt64 { value.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }

    /// Values of a sequence from here on have expired.
    static let expiredSequence: UInt64 = 1_000_000

    func validate(key: [UInt8], value: [UInt8], unixMilliseconds: UInt64) throws(ValueRefusal) -> UInt64? {
        guard value.count == 16, value[8..<15] == KademliaKey(hashing: key).bytes.prefix(7) else {
            throw .invalid("not a value of this key")
        }
        return Self.sequence(of: value) >= Self.expiredSequence ? unixMilliseconds : nil
    }

    func compare(key: [UInt8], _ first: [UInt8], _ second: [UInt8]) -> RecordOrder {
        let (left, right) = (Self.sequence(of: first), Self.sequence(of: second))
        return left > right ? .firstIsBetter : left < right ? .secondIsBetter : first == second ? .same : .conflicting
    }
}

extension ValidatorRegistry {
    /// The one namespace of the tests: `/test/...`.
    static let test = ValidatorRegistry(["test": SequenceValidator()])
}

/// A key of the namespace `test`.
func testKey(_ name: String) -> [UInt8] { Array("/test/\(name)".utf8) }

extension Moment {
    /// A moment of tests: both clocks from one number.
    init(_ milliseconds: UInt64) {
        self.init(monotonicMilliseconds: milliseconds, unixMilliseconds: 1_700_000_000_000 + milliseconds)
    }
}
