internal import Glibc

/// The operating system's words for an error number (`strerror`, whose buffer glibc keeps per thread).
enum SystemMessage {
    static func of(_ number: Int32) -> String {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text)
    }
}
