internal import GRDB

extension StorageError {
    /// What SQLite reported, in words (sqlite.org/rescode.html).
    init(_ error: any Error, path: String) {
        switch error {
        case let error as StorageError: self = error
        case let error as DatabaseError:
            let reason = error.message ?? "\(error.resultCode)"
            switch error.resultCode {
            case .SQLITE_FULL: self = .diskFull(path: path)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(path: path, reason: reason)
            case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM: self = .unusable(path: path, reason: reason)
            default: self = .failed(path: path, reason: reason)
            }
        default: self = .failed(path: path, reason: "\(error)")
        }
    }
}
