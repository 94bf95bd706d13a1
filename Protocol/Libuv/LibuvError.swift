import CLibuv
import Glibc

/// Why libuv or the kernel refused: the name libuv gives it, what was attempted, and what to do about it.
package struct LibuvError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A negative `errno`, as libuv returns it (`uv_errno_t`).
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }

        package static let accessDenied = Code(rawValue: -EACCES)
        package static let addressInUse = Code(rawValue: -EADDRINUSE)
        package static let addressNotAvailable = Code(rawValue: -EADDRNOTAVAIL)
        package static let brokenPipe = Code(rawValue: -EPIPE)
        package static let cancelled = Code(rawValue: -ECANCELED)
        package static let connectionAborted = Code(rawValue: -ECONNABORTED)
        package static let connectionRefused = Code(rawValue: -ECONNREFUSED)
        package static let connectionReset = Code(rawValue: -ECONNRESET)
        package static let endOfFile = Code(rawValue: UV_EOF.rawValue)
        package static let invalidArgument = Code(rawValue: -EINVAL)
        package static let nameTooLong = Code(rawValue: -ENAMETOOLONG)
        package static let noBufferSpace = Code(rawValue: -ENOBUFS)
        package static let noSuchFile = Code(rawValue: -ENOENT)
        package static let noSuchProcess = Code(rawValue: -ESRCH)
        package static let notConnected = Code(rawValue: -ENOTCONN)
        package static let timedOut = Code(rawValue: -ETIMEDOUT)
        package static let tooManyOpenFiles = Code(rawValue: -EMFILE)
        package static let tooManyOpenFilesInSystem = Code(rawValue: -ENFILE)
        package static let hostUnreachable = Code(rawValue: -EHOSTUNREACH)
        package static let networkUnreachable = Code(rawValue: -ENETUNREACH)

        /// libuv's name, such as `EADDRINUSE` (`uv_err_name_r`).
        package var name: String { unsafe Self.text(self.rawValue) { unsafe uv_err_name_r($0, $1, $2) } }
        /// libuv's explanation, such as "address already in use" (`uv_strerror_r`).
        package var explanation: String { unsafe Self.text(self.rawValue) { unsafe uv_strerror_r($0, $1, $2) } }

        private static func text(
            _ code: Int32,
            _ fill: (Int32, UnsafeMutablePointer<CChar>?, Int) -> UnsafeMutablePointer<CChar>?
        ) -> String {
            var buffer = [CChar](repeating: 0, count: 128)
            return unsafe buffer.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return "" }
                _ = unsafe fill(code, base, buffer.count)
                return unsafe String(cString: base)
            }
        }
    }

    package let code: Code
    /// What was attempted, as the middle of a sentence: "listen on 127.0.0.1:4001".
    package let operation: String

    package init(_ code: Code, _ operation: String) {
        self.code = code
        self.operation = operation
    }

    init(status: Int32, _ operation: String) { self.init(Code(rawValue: status), operation) }

    /// From `errno` after a system call.
    static func last(_ operation: String) -> LibuvError { LibuvError(status: -errno, operation) }

    package var description: String {
        let what = "cannot \(self.operation): \(self.code.explanation) (\(self.code.name))"
        guard let advice = self.advice else { return what }
        return "\(what); \(advice)"
    }

    /// What the operator can do; nil where the explanation says it all.
    package var advice: String? {
        switch self.code {
        case .addressInUse: "another program uses this address: end it or choose another port or path"
        case .addressNotAvailable: "no interface of this machine has the address: choose one that `ip address` lists"
        case .accessDenied: "choose a port above 1023, or check who may use the path"
        case .tooManyOpenFiles: "raise the limit of open files with `ulimit -n`"
        case .tooManyOpenFilesInSystem: "raise the kernel's limit with `sysctl fs.file-max`"
        case .connectionRefused: "nothing listens there: check the address and that the other side runs"
        case .hostUnreachable, .networkUnreachable: "no route leads there: check the network and the firewall"
        case .noSuchFile: "check the path"
        case .nameTooLong: "choose a shorter path"
        default: nil
        }
    }
}
