internal import Dispatch
internal import GRDB
internal import Glibc
internal import Synchronization

/// One SQLite file with one connection: every access is serialised, so there is one writer.
struct StateDatabase: Sendable {
    /// How much a commit survives.
    enum Durability: String, Sendable {
        /// A loss of power: for what was promised to somebody.
        case full = "FULL"
        /// The end of the process, but not a loss of power: for what others can give again.
        case normal = "NORMAL"
    }

    /// SQLite's cache, in KiB. Small, because an idle agent should hold little memory.
    static let cacheKibibytes = 512
    /// How long to wait for a reader of the file from outside, in seconds.
    static let busySeconds = 5.0

    let path: String
    private let queue: DatabaseQueue
    private let state = OpenState()

    /// Opens or makes the file and brings it up to date.
    ///
    /// - Throws: ``StorageError/newerVersion(path:)`` when it holds migrations that are not known here.
    init(path: String, durability: Durability, migrator: DatabaseMigrator) throws(StorageError) {
        self.path = path
        // Made here, so that it and its companions are never readable by others, whatever the umask.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw DataFolder.failure(path) }
        _ = Glibc.close(descriptor)
        do {
            var configuration = Configuration()
            configuration.label = "state"
            configuration.busyMode = .timeout(Self.busySeconds)
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = WAL")
                try database.execute(sql: "PRAGMA synchronous = \(durability.rawValue)")
                try database.execute(sql: "PRAGMA cache_size = -\(Self.cacheKibibytes)")
                try database.execute(sql: "PRAGMA trusted_schema = OFF")
                // Otherwise the commit that fills the log would wait for the disk.
                if durability == .normal { try database.execute(sql: "PRAGMA wal_autocheckpoint = 0") }
            }
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            if try queue.read(migrator.hasBeenSuperseded) { throw StorageError.newerVersion(path: path) }
            try migrator.migrate(queue)
            self.queue = queue
        } catch {
            throw StorageError(error, path: path)
        }
    }

    /// Runs a transaction and returns when it is on stable storage. Blocks the thread.
    func writeNow<Value>(_ body: (Database) throws -> Value) throws(StorageError) -> Value {
        do {
            return try self.queue.writeWithoutTransaction { try self.state.transaction(.immediate, on: $0, body) }
        } catch {
            throw StorageError(error, path: self.path)
        }
    }

    /// Reads in one transaction. Blocks the thread.
    func readNow<Value>(_ body: (Database) throws -> Value) throws(StorageError) -> Value {
        do {
            return try self.queue.writeWithoutTransaction { try self.state.transaction(.deferred, on: $0, body) }
        } catch {
            throw StorageError(error, path: self.path)
        }
    }

    /// Runs a transaction on the database's own thread and returns when it is on stable storage.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(StorageError)
        -> Value
    {
        do {
            return try await self.queue.writeWithoutTransaction { [state] database in
                try state.transaction(.immediate, on: database, body)
            }
        } catch {
            throw StorageError(error, path: self.path)
        }
    }

    /// Reads in one transaction on the database's own thread.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(StorageError)
        -> Value
    {
        do {
            return try await self.queue.writeWithoutTransaction { [state] database in
                try state.transaction(.deferred, on: database, body)
            }
        } catch {
            throw StorageError(error, path: self.path)
        }
    }

    /// Closes the file. Later accesses throw, those that wait for their turn as well.
    func close() throws(StorageError) {
        self.state.close()
        do { try self.queue.close() } catch { throw StorageError(error, path: self.path) }
    }

    /// Moves the log into the file, on a connection of its own so that nobody waits for the disk (`PRAGMA
    /// wal_checkpoint`). Blocks the thread.
    func writeBack() throws(StorageError) {
        do {
            let queue = try DatabaseQueue(path: self.path)
            defer { try? queue.close() }
            try queue.inDatabase { try $0.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)") }
        } catch {
            throw StorageError(error, path: self.path)
        }
    }
}

/// Whether the file is open. Looked at inside each access: GRDB ends the process when it is asked for a transaction of a
/// connection that was closed while the access waited for its turn.
private final class OpenState: Sendable {
    private let isClosed = Mutex(false)

    func close() { self.isClosed.withLock { $0 = true } }

    func transaction<Value>(
        _ kind: Database.TransactionKind, on database: Database, _ body: (Database) throws -> Value
    ) throws -> Value {
        guard !self.isClosed.withLock({ $0 }) else {
            throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "the database was closed")
        }
        var value: Value?
        try database.inTransaction(kind) {
            value = try body(database)
            return .commit
        }
        guard let value else { preconditionFailure("a transaction that was committed has a value") }
        return value
    }
}

extension UInt64 {
    /// As SQLite keeps it; every value survives the way there and back.
    var stored: Int64 { Int64(bitPattern: self) }

    init(stored: Int64) { self.init(bitPattern: stored) }
}
