internal import Foundation
internal import GRDB
internal import Identity
package import Kademlia

/// The peers of the routing table, to be asked first after a restart.
enum ContactTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE contact (
                    position INTEGER PRIMARY KEY,
                    peer BLOB NOT NULL,
                    addresses BLOB NOT NULL
                ) STRICT
                """)
    }
}

/// Keeps the routing table over a restart.
package struct DiskRoutingTableStore: RoutingTableStore {
    /// Contacts kept at most.
    package static let contactLimit = 4_096
    private let store: TableStore

    package init(_ store: TableStore) {
        self.store = store
    }

    package func load() throws -> [PeerContact] {
        let rows = try self.store.database.readNow { database in
            try Row.fetchAll(database, sql: "SELECT peer, addresses FROM contact ORDER BY position")
        }
        return try rows.map { try StoredAddresses.contact(peer: $0["peer"], addresses: $0["addresses"]) }
    }

    package func save(_ contacts: [PeerContact]) throws {
        try self.store.change { database in
            try database.execute(sql: "DELETE FROM contact")
            for contact in contacts.prefix(Self.contactLimit) {
                try database.execute(
                    sql: "INSERT INTO contact (peer, addresses) VALUES (?, ?)",
                    arguments: [Data(contact.id.bytes), StoredAddresses.bytes(contact)])
            }
        }
    }
}
