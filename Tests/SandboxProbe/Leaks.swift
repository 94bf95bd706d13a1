import Glibc
import Launching
import Libuv

/// Looks for what many starts leave behind: descriptors, child processes, control groups, mounts.
enum Leaks {
    /// Returns 0 when nothing grew; says what did on standard error.
    static func look(after run: SandboxRun, count: Int, on loop: EventLoop) async -> Int32 {
        guard await run.run(on: loop).exitStatus == 0 else { return 3 }
        let before = Self.holdings()
        for _ in 0..<count {
            guard await run.run(on: loop).exitStatus == 0 else { return 3 }
        }
        let after = Self.holdings()
        guard before != after || after.children != 0 || after.groups != 0 else { return 0 }
        let text = "before \(before), after \(count) starts \(after)\n"
        _ = unsafe text.withCString { text in unsafe write(2, text, strlen(text)) }
        return 1
    }

    struct Holdings: Equatable {
        var descriptors: Int
        var children: Int
        var groups: Int
        var mounts: Int
    }

    private static func holdings() -> Holdings {
        Holdings(
            descriptors: Self.names(in: "/proc/self/fd").count, children: Self.children(),
            groups: Self.orphanedGroups(below: "/sys/fs/cgroup"),
            mounts: Self.text(of: "/proc/self/mountinfo").split(separator: "\n").count { line in
                // What a jail mounts, and where it builds; other processes may mount elsewhere meanwhile.
                let target = line.split(separator: " ").dropFirst(4).first ?? ""
                return ["/tmp", "/proc", "/worker", "/usr/bin", "/usr/lib"].contains(target)
            })
    }

    private static func children() -> Int {
        var count = 0
        for task in Self.names(in: "/proc/self/task") {
            count += Self.text(of: "/proc/self/task/\(task)/children").split(separator: " ").count
        }
        return count
    }

    /// Counts groups of helpers that no longer exist. Other agents may be at work beside this one.
    private static func orphanedGroups(below folder: String) -> Int {
        var count = 0
        for name in Self.names(in: folder) where Self.isFolder("\(folder)/\(name)") {
            guard name.hasPrefix("sandbox-run."), let helper = Int32(name.dropFirst("sandbox-run.".count)) else {
                count += Self.orphanedGroups(below: "\(folder)/\(name)")
                continue
            }
            if kill(helper, 0) != 0 && errno == ESRCH { count += 1 }
        }
        return count
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func names(in folder: String) -> [String] {
        guard let entries = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(entries) }
        var names: [String] = []
        while let entry = unsafe readdir(entries) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    private static func text(of path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 18)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
