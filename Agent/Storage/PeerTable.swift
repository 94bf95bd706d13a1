internal import Foundation
internal import GRDB
internal import Identity
package import Overlay
internal import Wire

/// What is remembered of peers between connections.
enum PeerTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE peer (
                    position INTEGER PRIMARY KEY,
                    peer BLOB NOT NULL,
                    addresses BLOB NOT NULL,
                    protocols BLOB NOT NULL,
                    agent_version TEXT,
                    last_connected INTEGER NOT NULL
                ) STRICT
                """)
    }

    static func insert(_ known: KnownPeer, into database: Database) throws {
        var protocols: [UInt8] = []
        for name in known.protocols { protocols.appendLengthPrefixed(name) }
        try database.execute(
            sql: "INSERT INTO peer (peer, addresses, protocols, agent_version, last_connected) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                Data(known.peer.bytes), StoredAddresses.bytes(known.addresses), Data(protocols), known.agentVersion,
                known.lastConnectedUnixMilliseconds.stored,
            ])
    }

    /// - Throws: when the row is damaged.
    static func value(_ row: Row) throws -> KnownPeer {
        var reader = ByteReader([UInt8](row["protocols"] as Data))
        var protocols: [String] = []
        while !reader.isAtEnd { protocols.append(try reader.text(limit: StoredAddresses.textLimit)) }
        return KnownPeer(
            peer: try PeerID(bytes: [UInt8](row["peer"] as Data)),
            addresses: try StoredAddresses.list(row["addresses"]), protocols: protocols,
            agentVersion: row["agent_version"], lastConnectedUnixMilliseconds: UInt64(stored: row["last_connected"]))
    }
}

/// Keeps known peers over a restart, the most recently used last.
package struct DiskPeerStore: PeerStore {
    /// Peers kept at most; of more, those used longest ago are dropped.
    package static let peerLimit = 4_096
    private let store: TableStore

    package init(_ store: TableStore) {
        self.store = store
    }

    package func loadPeers() async throws -> [KnownPeer] {
        try await self.store.database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM peer ORDER BY position").map(PeerTable.value)
        }
    }

    package func savePeers(_ peers: [KnownPeer]) async throws {
        try await self.store.database.write { database in
            try database.execute(sql: "DELETE FROM peer")
            for known in peers.suffix(Self.peerLimit) { try PeerTable.insert(known, into: database) }
        }
    }
}
