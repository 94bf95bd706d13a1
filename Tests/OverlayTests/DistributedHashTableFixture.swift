import Identity
import Kademlia
import Libuv
import Overlay
import Synchronization
import Testing
import Wire

/// A host with a table, listening on loopback.
struct TableNode: Sendable {
    let host: Host
    let table: DistributedHashTable

    var peerID: PeerID { self.host.peerID }
    var contact: PeerContact { get async { PeerContact(id: self.peerID, addresses: await self.host.listenAddresses) } }
}

/// Values of the tests: one byte of sequence, then `v`.
struct TestValidator: RecordValidator {
    func validate(key: [UInt8], value: [UInt8], unixMilliseconds: UInt64) throws(ValueRefusal) -> UInt64? {
        guard value.count == 2, value[1] == UInt8(ascii: "v") else { throw .invalid("not a value of the tests") }
        return nil
    }

    func compare(key: [UInt8], _ first: [UInt8], _ second: [UInt8]) -> RecordOrder {
        first[0] > second[0] ? .firstIsBetter : first[0] < second[0] ? .secondIsBetter : .same
    }

    static func value(_ sequence: UInt8) -> [UInt8] { [sequence, UInt8(ascii: "v")] }
    static func key(_ name: String) -> [UInt8] { Array("/test/\(name)".utf8) }
    static let registry = ValidatorRegistry(["test": TestValidator()])
}

/// Keeps a table in memory over a restart of its node.
final class MemoryTableStore: RoutingTableStore {
    private let contacts = Mutex<[PeerContact]>([])
    func load() -> [PeerContact] { self.contacts.withLock { $0 } }
    func save(_ contacts: [PeerContact]) { self.contacts.withLock { $0 = contacts } }
}

/// Nodes on one loop, ended and checked for leaks after the test.
final class TableFixture: Sendable {
    let loop = EventLoop()
    private let nodes = Mutex<[TableNode]>([])

    /// Adds a node whose identity follows from its number.
    func add(
        _ number: UInt8, tableStore: (any RoutingTableStore)? = nil,
        validators: ValidatorRegistry = TestValidator.registry,
        configure: (inout DistributedHashTableConfiguration) -> Void = { _ in }
    ) async throws -> TableNode {
        let host = try Host(identity: try KeyPair(seed: [UInt8](repeating: number, count: 32)), on: self.loop)
        await host.start()
        try await host.listen(on: try Multiaddr("/ip4/127.0.0.1/tcp/0"))
        var configuration = DistributedHashTableConfiguration()
        configure(&configuration)
        let table = try DistributedHashTable(
            on: host, configuration: configuration, validators: validators, tableStore: tableStore)
        await table.start()
        let node = TableNode(host: host, table: table)
        self.nodes.withLock { $0.append(node) }
        return node
    }

    /// Adds nodes that all come into the network through the first.
    func network(_ count: Int) async throws -> [TableNode] {
        var nodes = [try await self.add(1)]
        for number in 1..<count {
            let node = try await self.add(UInt8(number + 1))
            try await node.table.bootstrap(await nodes[0].host.addresses)
            nodes.append(node)
        }
        return nodes
    }

    func end(_ node: TableNode) async {
        self.nodes.withLock { $0.removeAll { $0.peerID == node.peerID } }
        await node.table.stop()
        await node.host.shutdown()
    }

    static func run(_ body: (TableFixture) async throws -> Void) async throws {
        let fixture = TableFixture()
        let result: Result<Void, any Error>
        do { result = .success(try await body(fixture)) } catch { result = .failure(error) }
        for node in fixture.nodes.withLock({ $0 }) { await fixture.end(node) }
        #expect(await fixture.loop.stop() == EventLoop.StopReport(openHandleCount: 0, closeStatus: 0))
        try result.get()
    }
}

/// Waits until something holds, looking again every few milliseconds; an issue after twenty seconds.
func eventually(
    on loop: EventLoop, _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async -> Bool
) async throws {
    let deadline = MonotonicClock.nowMilliseconds + 20_000
    while await !condition() {
        guard MonotonicClock.nowMilliseconds < deadline else {
            Issue.record("not within twenty seconds: \(what)", sourceLocation: sourceLocation)
            return
        }
        try await loop.sleep(milliseconds: 5)
    }
}
