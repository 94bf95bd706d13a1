internal import COpenSSL

/// A running SHA-256 digest (FIPS 180-4).
@safe package struct SHA256: ~Copyable, Sendable {
    /// The length of a digest, in bytes.
    package static let digestByteCount = 32

    // Fetched once: looking an algorithm up by name takes longer than digesting a small input.
    // Safety: OpenSSL never changes a fetched algorithm.
    nonisolated(unsafe) private static let algorithm = unsafe require(EVP_MD_fetch(nil, "SHA256", nil))

    // Safety: EVP_MD_CTX *, owned. Only `mutating` and `consuming` functions use it, so one thread at a time does.
    nonisolated(unsafe) private let context: OpaquePointer

    /// Starts an empty digest (`EVP_DigestInit_ex2`).
    package init() {
        unsafe self.context = require(EVP_MD_CTX_new())
        unsafe require(EVP_DigestInit_ex2(self.context, Self.algorithm, nil))
    }

    deinit { unsafe EVP_MD_CTX_free(self.context) }

    /// Adds bytes to what is digested (`EVP_DigestUpdate`).
    package mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe require(EVP_DigestUpdate(self.context, $0.baseAddress, $0.count)) }
    }

    /// Adds bytes to what is digested.
    package mutating func update(_ bytes: [UInt8]) { unsafe self.update(bytes.span.bytes) }

    /// The 32 bytes of the digest (`EVP_DigestFinal_ex`).
    package consuming func finalize() -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Self.digestByteCount) { buffer, count in
            unsafe require(EVP_DigestFinal_ex(self.context, buffer.baseAddress, nil))
            count = Self.digestByteCount
        }
    }

    /// The digest of `bytes`.
    package static func digest(_ bytes: RawSpan) -> [UInt8] {
        var digest = SHA256()
        digest.update(bytes)
        return digest.finalize()
    }

    /// The digest of `bytes`.
    package static func digest(_ bytes: [UInt8]) -> [UInt8] { unsafe self.digest(bytes.span.bytes) }

    /// The digest of `bytes`.
    package static func digest(_ bytes: ArraySlice<UInt8>) -> [UInt8] { unsafe self.digest(bytes.span.bytes) }
}
