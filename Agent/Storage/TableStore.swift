internal import Dispatch
internal import GRDB
internal import Synchronization

/// What the agent keeps of the mesh's table and can learn again: `<data>/table.sqlite`.
///
/// A change survives the end of the process at once and a loss of power after a while: no commit waits for the disk, so
/// the methods may be called on the loop's thread. The log is written back by another thread.
package final class TableStore: Sendable {
    /// The file's name in the data folder.
    package static let fileName = "table.sqlite"
    /// The log is written back after this many changes.
    static let changesBetweenCheckpoints = 2_000

    let database: StateDatabase
    private let changes = Mutex(0)
    private let writeBack = DispatchQueue(label: "table write-back")

    package init(in folder: DataFolder) throws(StorageError) {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("0001 records", migrate: RecordTable.create)
        migrator.registerMigration("0002 providers", migrate: ProviderTable.create)
        migrator.registerMigration("0003 contacts", migrate: ContactTable.create)
        migrator.registerMigration("0004 peers", migrate: PeerTable.create)
        self.database = try StateDatabase(path: folder.file(Self.fileName), durability: .normal, migrator: migrator)
    }

    /// Closes the file. Later calls throw.
    package func close() throws(StorageError) {
        self.writeBack.sync {}
        try self.database.close()
    }

    /// Runs a transaction and, now and then, has the log written back.
    func change<Value>(_ body: (Database) throws -> Value) throws(StorageError) -> Value {
        let value = try self.database.writeNow(body)
        let isDue = self.changes.withLock { changes in
            changes = (changes + 1) % Self.changesBetweenCheckpoints
            return changes == 0
        }
        if isDue {
            let database = self.database
            // A write-back that fails is tried again after as many changes; nothing is lost meanwhile.
            self.writeBack.async { try? database.writeBack() }
        }
        return value
    }
}
