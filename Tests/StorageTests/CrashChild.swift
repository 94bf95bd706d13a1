import Foundation
import Glibc

/// Runs `storage-crash-child` and kills it.
enum CrashChild {
    /// - Returns: the highest number that it said was acknowledged.
    static func run(folder: String, killedAfterLines lines: Int) async throws -> UInt64 {
        let process = Process()
        let output = Foundation.Pipe()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "storage-crash-child")
        process.arguments = [folder, "me"]
        process.standardOutput = output
        try process.run()
        let pid = process.processIdentifier
        return await withCheckedContinuation { continuation in
            DispatchQueue(label: "crash child").async {
                var text = Data()
                var isKilled = false
                while true {
                    let piece = output.fileHandleForReading.availableData
                    if piece.isEmpty { break }
                    text += piece
                    if !isKilled, text.count(where: { $0 == 0x0a }) >= lines {
                        kill(pid, SIGKILL)
                        isKilled = true
                    }
                }
                process.waitUntilExit()
                // A line without its end was cut off by the kill.
                let complete = String(decoding: text, as: UTF8.self).split(
                    separator: "\n", omittingEmptySubsequences: false
                )
                .dropLast()
                continuation.resume(returning: complete.last.flatMap { UInt64($0) } ?? 0)
            }
        }
    }
}
