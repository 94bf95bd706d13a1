/// Why a record was refused. The text is for the operator and for `dsmp` to print.
package enum ValueRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The key is not `/<namespace>/<rest>`, or over its limit.
    case malformedKey
    /// Nobody validates this namespace here.
    case unknownNamespace(String)
    /// The value is longer than ``KademliaLimits/maximumValueByteCount``.
    case tooLong(byteCount: Int)
    /// The validator refused it; the text says why.
    case invalid(String)
    /// It has expired.
    case expired
    /// A better record is held.
    case outdated

    package var description: String {
        switch self {
        case .malformedKey: "the key is not /<namespace>/<rest>; check it"
        case .unknownNamespace(let name): "no validator for the namespace \(name); use one that this network knows"
        case .tooLong(let count):
            "the value has \(count) bytes, the limit is \(KademliaLimits.maximumValueByteCount); store less"
        case .invalid(let reason): "the record is not valid: \(reason)"
        case .expired: "the record has expired; publish it again"
        case .outdated: "a newer record is held; publish one with a higher sequence"
        }
    }
}

/// Which of two valid values of one key is better.
package enum RecordOrder: Hashable, Sendable {
    case firstIsBetter
    case secondIsBetter
    /// The same content.
    case same
    /// Other content of the same rank: its publisher equivocated. Every node keeps the value with the larger bytes.
    case conflicting
}

/// The rules of one namespace of values (Specs/kademlia.md, section 5). Pure: equal arguments, equal result, in every process.
package protocol RecordValidator: Sendable {
    /// Accepts a value, and says when it expires by itself, in Unix milliseconds (nil: never).
    func validate(key: [UInt8], value: [UInt8], unixMilliseconds: UInt64) throws(ValueRefusal) -> UInt64?

    /// Ranks two values that ``validate(key:value:unixMilliseconds:)`` accepts. Must be a total order apart from conflicts.
    func compare(key: [UInt8], _ first: [UInt8], _ second: [UInt8]) -> RecordOrder
}

/// The validators of a node, by namespace.
package struct ValidatorRegistry: Sendable {
    private var validators: [String: any RecordValidator]

    /// A registry that refuses everything but the given namespaces (without slashes).
    package init(_ validators: [String: any RecordValidator] = [:]) { self.validators = validators }

    /// Adds or replaces the validator of a namespace.
    package mutating func register(_ validator: any RecordValidator, for namespace: String) {
        self.validators[namespace] = validator
    }

    /// The namespace of a key, nil when it is not `/<namespace>/<rest>`.
    package static func namespace(of key: [UInt8]) -> String? {
        guard key.first == UInt8(ascii: "/"), key.count <= KademliaLimits.maximumKeyByteCount else { return nil }
        let path = key.dropFirst()
        guard let end = path.firstIndex(of: UInt8(ascii: "/")), end > path.startIndex, end + 1 < path.endIndex else {
            return nil
        }
        return String(validating: path[..<end], as: UTF8.self)
    }

    /// Accepts a record and says when it expires by itself (nil: never).
    package func validate(_ record: ValueRecord, unixMilliseconds: UInt64) throws(ValueRefusal) -> UInt64? {
        let validator = try self.validator(of: record.key)
        guard record.value.count <= KademliaLimits.maximumValueByteCount else {
            throw .tooLong(byteCount: record.value.count)
        }
        let expiry = try validator.validate(key: record.key, value: record.value, unixMilliseconds: unixMilliseconds)
        if let expiry, expiry <= unixMilliseconds { throw .expired }
        return expiry
    }

    /// Whether a record is accepted.
    package func isValid(_ record: ValueRecord, unixMilliseconds: UInt64) -> Bool {
        do {
            _ = try self.validate(record, unixMilliseconds: unixMilliseconds)
            return true
        } catch {
            return false
        }
    }

    /// Ranks two valid values of one key. Equal bytes are always the same.
    package func compare(key: [UInt8], _ first: [UInt8], _ second: [UInt8]) -> RecordOrder {
        guard first != second, let validator = try? self.validator(of: key) else { return .same }
        return validator.compare(key: key, first, second)
    }

    /// Whether a newcomer takes the place of a held value: better, or the larger one of two that conflict.
    package func prefers(_ newcomer: [UInt8], to held: [UInt8], key: [UInt8]) -> Bool {
        switch self.compare(key: key, newcomer, held) {
        case .firstIsBetter: true
        case .secondIsBetter, .same: false
        case .conflicting: held.lexicographicallyPrecedes(newcomer)
        }
    }

    private func validator(of key: [UInt8]) throws(ValueRefusal) -> any RecordValidator {
        guard let namespace = Self.namespace(of: key) else { throw .malformedKey }
        guard let validator = self.validators[namespace] else { throw .unknownNamespace(namespace) }
        return validator
    }
}
