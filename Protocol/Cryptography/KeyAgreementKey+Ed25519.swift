internal import COpenSSL

extension KeyAgreementKey {
    /// The X25519 key that belongs to an Ed25519 seed: the clamped first half of its SHA-512 digest (RFC 8032,
    /// section 5.1.5), so that what is sealed to ``publicKey(ofEd25519:)`` can be opened. Traps unless the seed has
    /// 32 bytes.
    package init(ed25519Seed seed: [UInt8]) {
        precondition(seed.count == SigningKey.seedByteCount, "an Ed25519 seed has 32 bytes")
        var digest = [UInt8](repeating: 0, count: 64)
        unsafe require(EVP_Digest(seed, seed.count, &digest, nil, EVP_sha512(), nil))
        defer { unsafe OPENSSL_cleanse(&digest, digest.count) }
        var scalar = Array(digest[..<32])
        scalar[0] &= 0xf8
        scalar[31] = scalar[31] & 0x7f | 0x40
        defer { unsafe OPENSSL_cleanse(&scalar, scalar.count) }
        do {
            try self.init(privateKey: scalar)
        } catch {
            preconditionFailure("OpenSSL refused a clamped X25519 key: \(error)")
        }
    }

    /// The X25519 public key that belongs to an Ed25519 one: u = (1 + y) / (1 - y) modulo 2^255 - 19 (RFC 7748,
    /// section 4.1), by `BN_mod_inverse`.
    ///
    /// - Throws: ``KeyError/wrongKeyLength(byteCount:expectedByteCount:)``, or ``KeyError/invalidPublicKey`` when y is
    ///   not less than the modulus or the map has no value there.
    package static func publicKey(ofEd25519 publicKey: [UInt8]) throws(KeyError) -> [UInt8] {
        guard publicKey.count == Ed25519.publicKeyByteCount else {
            throw .wrongKeyLength(byteCount: publicKey.count, expectedByteCount: Ed25519.publicKeyByteCount)
        }
        var coordinate = publicKey
        coordinate[31] &= 0x7f  // The top bit is the sign of x.
        var result = [UInt8](repeating: 0, count: 32)
        let isDone = unsafe Self.map(coordinate, to: &result)
        guard isDone else { throw .invalidPublicKey }
        return result
    }

    @unsafe private static func map(_ coordinate: [UInt8], to result: inout [UInt8]) -> Bool {
        let context = unsafe require(BN_CTX_new())
        defer { unsafe BN_CTX_free(context) }
        unsafe BN_CTX_start(context)
        defer { unsafe BN_CTX_end(context) }
        let prime = unsafe require(BN_CTX_get(context))
        let y = unsafe require(BN_CTX_get(context))
        let numerator = unsafe require(BN_CTX_get(context))
        let denominator = unsafe require(BN_CTX_get(context))
        unsafe require(BN_set_bit(prime, 255))
        unsafe require(BN_sub_word(prime, 19))
        _ = unsafe require(BN_lebin2bn(coordinate, 32, y))
        guard unsafe BN_cmp(y, prime) < 0 else { return false }
        unsafe require(BN_mod_add(numerator, y, BN_value_one(), prime, context))
        unsafe require(BN_mod_sub(denominator, BN_value_one(), y, prime, context))
        guard unsafe BN_is_zero(denominator) == 0,
            unsafe BN_mod_inverse(denominator, denominator, prime, context) != nil
        else { return false }
        unsafe require(BN_mod_mul(numerator, numerator, denominator, prime, context))
        return unsafe BN_bn2lebinpad(numerator, &result, 32) == 32
    }
}
