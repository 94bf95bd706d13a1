internal import GRDB

/// What the agent promised to somebody and must know after any end of its process: `<data>/agent.sqlite`.
///
/// A method that writes returns once the change would survive a loss of power. One file a table holds its methods.
package final class AgentStore: Sendable {
    /// The file's name in the data folder.
    package static let fileName = "agent.sqlite"
    let database: StateDatabase

    /// Opens the store of a data folder.
    ///
    /// - Parameters:
    ///   - folder: held by this process.
    ///   - peerID: the identity whose data it must be, in text; kept the first time.
    /// - Throws: ``StorageError/newerVersion(path:)``, ``StorageError/otherIdentity(stored:own:)``, and what the disk does.
    package init(in folder: DataFolder, peerID: String) throws(StorageError) {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("0001 settings", migrate: SettingTable.create)
        migrator.registerMigration("0002 counters", migrate: CounterTable.create)
        migrator.registerMigration("0003 published workers", migrate: PublishedWorkerTable.create)
        migrator.registerMigration("0004 group secrets", migrate: GroupSecretTable.create)
        migrator.registerMigration("0005 hosted workers", migrate: HostedWorkerTable.create)
        migrator.registerMigration("0006 grants", migrate: GrantTable.create)
        migrator.registerMigration("0007 subscriptions", migrate: SubscriptionTable.create)
        migrator.registerMigration("0008 memberships", migrate: MembershipTable.create)
        migrator.registerMigration("0009 trusted libraries", migrate: TrustedLibraryTable.create)
        self.database = try StateDatabase(path: folder.file(Self.fileName), durability: .full, migrator: migrator)
        let stored = try self.database.writeNow { database in
            try SettingTable.keepFirst("peer id", peerID, in: database)
        }
        guard stored == peerID else { throw .otherIdentity(stored: stored, own: peerID) }
    }

    /// Closes the file; what was acknowledged is there. Later calls throw.
    package func close() throws(StorageError) { try self.database.close() }
}
