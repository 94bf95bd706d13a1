internal import CSQLite

/// One SQLite database that nobody can change through it: opened read-only, `query_only`, and with an authorizer that
/// allows reading and nothing else. One connection a call, used by one thread at a time.
@safe final class ReadOnlyDatabase {
    /// The longest statement, in bytes.
    static let statementBytes = 65_536
    /// The most memory that SQLite may use in this process, in bytes.
    static let heapBytes: Int64 = 134_217_728

    private let connection: OpaquePointer  // sqlite3 *
    private let isCancelled: () -> Bool

    /// Opens the file (`sqlite3_open_v2`).
    ///
    /// - Parameters:
    ///   - path: the database; it is not created.
    ///   - isCancelled: asked now and then while a statement runs; true interrupts it.
    /// - Throws: ``QueryFault`` when there is no such database.
    init(path: String, isCancelled: @escaping () -> Bool) throws(QueryFault) {
        var connection: OpaquePointer?
        let status = unsafe sqlite3_open_v2(
            path, &connection, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nil)
        guard status == SQLITE_OK, let connection = unsafe connection else {
            unsafe sqlite3_close_v2(connection)
            throw QueryFault(
                "the worker has no readable database at \(path); its publisher must put one into the folder")
        }
        unsafe self.connection = connection
        self.isCancelled = isCancelled
        unsafe sqlite3_exec(connection, "PRAGMA query_only=1; PRAGMA trusted_schema=0", nil, nil, nil)
        sqlite3_hard_heap_limit64(Self.heapBytes)
        unsafe sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, 16_777_216)
        unsafe sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0)
        unsafe sqlite3_set_authorizer(connection, Self.authorizer, nil)
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe sqlite3_progress_handler(
            connection, 10_000,
            { context in
                guard let context = unsafe context else { return 1 }
                return unsafe Unmanaged<ReadOnlyDatabase>.fromOpaque(context).takeUnretainedValue().isCancelled()
                    ? 1 : 0
            }, context)
    }

    deinit { unsafe sqlite3_close_v2(self.connection) }

    /// Allows what only reads (`sqlite3_set_authorizer`).
    private static let authorizer:
        @convention(c) (
            UnsafeMutableRawPointer?, Int32, UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<CChar>?,
            UnsafePointer<CChar>?
        ) -> Int32 = { _, action, _, function, _, _ in
            switch action {
            case SQLITE_SELECT, SQLITE_READ, SQLITE_RECURSIVE: return SQLITE_OK
            case SQLITE_FUNCTION:
                guard let function = unsafe function else { return SQLITE_DENY }
                // These reach files or code outside the database.
                let forbidden = ["load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"]
                return unsafe forbidden.contains(String(cString: function).lowercased()) ? SQLITE_DENY : SQLITE_OK
            default: return SQLITE_DENY
            }
        }

    /// Runs one statement and hands over each row as texts; nil is NULL (`sqlite3_prepare_v2`, `sqlite3_step`).
    func run(_ sql: String, row: ([[UInt8]?]) async throws -> Void) async throws {
        guard sql.utf8.count <= Self.statementBytes else {
            throw QueryFault("the statement has more than \(Self.statementBytes) bytes; shorten it")
        }
        let statement = unsafe try self.prepare(sql)
        defer { unsafe sqlite3_finalize(statement) }
        let columns = unsafe sqlite3_column_count(statement)
        while true {
            switch unsafe sqlite3_step(statement) {
            case SQLITE_ROW: try await row((0..<columns).map { unsafe Self.text(statement, $0) })
            case SQLITE_DONE: return
            default: throw self.fault
            }
        }
    }

    private func prepare(_ sql: String) throws(QueryFault) -> OpaquePointer {
        var statement: OpaquePointer?
        var isOneStatement = true
        var text = sql
        let status = text.withUTF8 { bytes in
            let base = unsafe UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
            var tail: UnsafePointer<CChar>?
            let status = unsafe sqlite3_prepare_v2(self.connection, base, Int32(bytes.count), &statement, &tail)
            if let base = unsafe base, let tail = unsafe tail {
                let rest = unsafe bytes[(tail - base)...]
                isOneStatement = unsafe rest.allSatisfy { " \t\r\n;".utf8.contains($0) }
            }
            return status
        }
        guard status == SQLITE_OK else { throw self.fault }
        guard let statement = unsafe statement else { throw QueryFault("the input holds no SQL statement") }
        guard isOneStatement else {
            unsafe sqlite3_finalize(statement)
            throw QueryFault("the input holds more than one statement; send one a call")
        }
        return unsafe statement
    }

    private static func text(_ statement: OpaquePointer, _ column: Int32) -> [UInt8]? {
        guard unsafe sqlite3_column_type(statement, column) != SQLITE_NULL else { return nil }
        let text = unsafe sqlite3_column_text(statement, column)
        let count = unsafe Int(sqlite3_column_bytes(statement, column))
        return unsafe [UInt8](UnsafeBufferPointer(start: text, count: text == nil ? 0 : count))
    }

    private var fault: QueryFault {
        guard let text = unsafe sqlite3_errmsg(self.connection) else { return QueryFault("SQLite failed") }
        return unsafe QueryFault("SQLite: \(String(cString: text)); only statements that read are allowed")
    }
}
