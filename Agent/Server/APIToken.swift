package import ControlAPI
internal import Glibc

/// The secret that a request over TCP bears: 64 hexadecimal digits in a file that only the agent's user can read.
package struct APIToken: Sendable, Hashable {
    /// The file's name in the data folder.
    package static let fileName = "api.token"
    /// Random bytes in a token.
    package static let randomBytes = 32
    /// The longest file that is read as a token, in bytes.
    package static let fileBytes = 1_024

    package let text: String

    package init(text: String) {
        self.text = text
    }

    /// Whether the text is the token. Takes the same time wherever they differ.
    package func matches(_ candidate: some StringProtocol) -> Bool {
        let own = Array(self.text.utf8)
        let other = Array(candidate.utf8)
        guard own.count == other.count, !own.isEmpty else { return false }
        var difference: UInt8 = 0
        for index in own.indices { difference |= own[index] ^ other[index] }
        return difference == 0
    }

    /// Reads the token, or makes one on the first start.
    ///
    /// - Throws: `refused` when others can read the file, `invalid` when it holds no token, `exhausted` when it cannot
    ///   be written.
    package static func load(dataFolder: String) throws(ControlError) -> APIToken {
        let path = dataFolder + "/" + Self.fileName
        if let existing = try Self.read(path) { return existing }
        var random = SystemRandomNumberGenerator()
        let digits = (0..<Self.randomBytes).map { _ in
            let byte = String(UInt8.random(in: .min ... .max, using: &random), radix: 16)
            return byte.count == 1 ? "0" + byte : byte
        }
        let token = APIToken(text: digits.joined())
        try Self.write(token, to: path)
        return token
    }

    private static func read(_ path: String) throws(ControlError) -> APIToken? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw ControlError(
                .refused, "\(path) cannot be read: \(SystemMessage.of(errno))", hint: "correct its owner and mode")
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0
        else {
            throw ControlError(
                .refused, "\(path) can be read by others, so its token is no secret",
                hint: "delete it (a new one is made at the next start) or run `chmod 600 \(path)`")
        }
        var bytes = [UInt8](repeating: 0, count: Self.fileBytes)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        let kept = bytes.prefix(max(0, count)).filter { $0 > 0x20 }
        guard kept.count >= 32, kept.allSatisfy({ $0 < 0x7f }) else {
            throw ControlError(
                .invalid, "\(path) holds no token", hint: "delete it; a new one is made at the next start")
        }
        return APIToken(text: String(decoding: kept, as: UTF8.self))
    }

    private static func write(_ token: APIToken, to path: String) throws(ControlError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw ControlError(
                .exhausted, "\(path) cannot be made: \(SystemMessage.of(errno))", hint: "check the disk and the folder")
        }
        defer { close(descriptor) }
        let bytes = Array((token.text + "\n").utf8)
        let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard written == bytes.count, fsync(descriptor) == 0 else {
            let reason = SystemMessage.of(errno)
            unsafe unlink(path)
            throw ControlError(.exhausted, "\(path) cannot be written: \(reason)", hint: "check the disk")
        }
    }
}
