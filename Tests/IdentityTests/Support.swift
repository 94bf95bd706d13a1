import Identity
import Testing
import Wire

/// The bytes of a vector's hexadecimal digits.
func hex(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> [UInt8] {
    try #require([UInt8](hexadecimal: text), sourceLocation: sourceLocation)
}

/// A key pair that is always the same.
func makeKeyPair(_ number: UInt8 = 1) throws -> KeyPair { try KeyPair(seed: [UInt8](repeating: number, count: 32)) }
