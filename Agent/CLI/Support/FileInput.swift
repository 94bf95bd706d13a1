import ControlAPI
import ControlClient
import Dispatch
import Glibc

/// The input of a call from a file or from standard input.
///
/// Reads happen on a thread of their own: standard input may block for as long as somebody types.
final class FileInput: CallInput {
    /// Bytes read at once.
    static let pieceBytes = 262_144
    /// Standard input of at most this many bytes is sent as one message of known length.
    static let wholeBytes = 1_048_576

    let byteCount: Int?
    private let descriptor: Int32
    private let ownsDescriptor: Bool
    private let first: [UInt8]
    private let queue = DispatchQueue(label: "input")
    private let firstIsSent = Latch()

    private init(descriptor: Int32, ownsDescriptor: Bool, byteCount: Int?, first: [UInt8] = []) {
        self.descriptor = descriptor
        self.ownsDescriptor = ownsDescriptor
        self.byteCount = byteCount
        self.first = first
    }

    deinit { if self.ownsDescriptor { close(self.descriptor) } }

    /// Opens what `--input` names: a file, `-` for standard input, nothing for an empty input.
    ///
    /// - Parameters:
    ///   - name: as `--input` gives it.
    ///   - streams: sends standard input piece by piece as it comes, for a dialogue with the worker.
    /// - Returns: the input, from its beginning.
    /// - Throws: `invalid` when it cannot be read.
    static func open(_ name: String?, streams: Bool) throws(ControlError) -> FileInput {
        guard let name else { return FileInput(descriptor: -1, ownsDescriptor: false, byteCount: 0) }
        guard name != "-" else { return try Self.standardInput(streams: streams) }
        let descriptor = Glibc.open(name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ControlError(
                .invalid, "the input \(name) cannot be read: \(String(cString: strerror(errno)))",
                hint: "check the name, or use --input - for standard input")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
            close(descriptor)
            throw ControlError(.invalid, "the input \(name) is a folder", hint: "give a file, or pack it with tar")
        }
        let isFile = status.st_mode & S_IFMT == S_IFREG
        return FileInput(
            descriptor: descriptor, ownsDescriptor: true, byteCount: isFile ? Int(status.st_size) : nil)
    }

    private static func standardInput(streams: Bool) throws(ControlError) -> FileInput {
        guard !streams else { return FileInput(descriptor: STDIN_FILENO, ownsDescriptor: false, byteCount: nil) }
        var first: [UInt8] = []
        while first.count <= Self.wholeBytes {
            let piece = try Self.read(STDIN_FILENO)
            if piece.isEmpty {
                return FileInput(
                    descriptor: -1, ownsDescriptor: false, byteCount: first.count, first: first)
            }
            first += piece
        }
        return FileInput(descriptor: STDIN_FILENO, ownsDescriptor: false, byteCount: nil, first: first)
    }

    func next() async throws(ControlError) -> [UInt8]? {
        if !self.first.isEmpty, self.firstIsSent.set() { return self.first }
        guard self.descriptor >= 0 else { return nil }
        let descriptor = self.descriptor
        let result: Result<[UInt8], ControlError> = await withCheckedContinuation { continuation in
            self.queue.async {
                do throws(ControlError) {
                    continuation.resume(returning: .success(try Self.read(descriptor)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        let piece = try result.get()
        return piece.isEmpty ? nil : piece
    }

    /// The next bytes; none at the end.
    private static func read(_ descriptor: Int32) throws(ControlError) -> [UInt8] {
        while true {
            var failure: Int32 = 0
            let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { buffer, count in
                let got = Glibc.read(descriptor, buffer.baseAddress, Self.pieceBytes)
                failure = got < 0 ? errno : 0
                count = max(0, got)
            }
            if failure == 0 { return piece }
            guard failure == EINTR else {
                throw ControlError(.invalid, "the input cannot be read: \(String(cString: strerror(failure)))")
            }
        }
    }
}
