internal import COpenSSL

/// Traps when OpenSSL fails where only a lack of memory or a broken installation can make it fail.
func require(_ status: Int32) {
    precondition(status == 1, "OpenSSL failed (0x\(String(ERR_get_error(), radix: 16))); is libcrypto 3 intact?")
}

/// As ``require(_:)-(Int32)``, for a call that returns an object.
@unsafe func require(_ object: OpaquePointer?) -> OpaquePointer {
    guard let object = unsafe object else {
        preconditionFailure("OpenSSL failed (0x\(String(ERR_get_error(), radix: 16))); is libcrypto 3 intact?")
    }
    return unsafe object
}
