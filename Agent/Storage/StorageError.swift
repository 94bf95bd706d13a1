/// Why state could not be kept or read. The text is for the operator: what happened, then what to do.
package enum StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The folder or a file in it cannot be used; the reason is the system's.
    case unusable(path: String, reason: String)
    /// Others can read what only the agent may.
    case tooOpen(path: String, mode: String)
    /// Another agent runs on the folder.
    case inUse(path: String, processID: Int32?)
    /// A newer version of dsmp wrote the folder.
    case newerVersion(path: String)
    /// The folder is of another identity than its key file.
    case otherIdentity(stored: String, own: String)
    /// The disk, or the quota, is full. What was acknowledged before is safe.
    case diskFull(path: String)
    /// The file is damaged.
    case corrupt(path: String, reason: String)
    /// Something else that SQLite reports.
    case failed(path: String, reason: String)
    /// A counter cannot go on.
    case counterExhausted(name: String)

    package var description: String {
        switch self {
        case .unusable(let path, let reason):
            "\(path) cannot be used: \(reason); correct it or choose another folder with --data"
        case .tooOpen(let path, let mode):
            "\(path) has mode \(mode), so that others can read it; run `chmod go= \(path)` as its owner"
        case .inUse(let path, let processID):
            "another agent\(processID.map { " (process \($0))" } ?? "") uses \(path); stop it, or choose another folder with --data"
        case .newerVersion(let path):
            "\(path) was written by a newer version of dsmp; install that version, or choose another folder with --data"
        case .otherIdentity(let stored, let own):
            "the data belongs to \(stored) but identity.key is that of \(own); restore the right key, or choose another folder with --data"
        case .diskFull(let path):
            "no space is left to write \(path); free some and try again, nothing that was acknowledged is lost"
        case .corrupt(let path, let reason):
            "\(path) is damaged (\(reason)); restore it from a backup, or move it away to start afresh with the same identity"
        case .failed(let path, let reason): "\(path) could not be read or written: \(reason)"
        case .counterExhausted(let name): "the counter \(name) has reached its end; publish under a new name"
        }
    }
}
