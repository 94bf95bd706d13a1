package import Identity
import Kademlia
package import Libuv
package import Logging
import Overlay
package import Storage
import Wire

/// The mesh on real connections: a libp2p host and the distributed hash table, on the agent's loop and kept on disk.
package actor OverlayNetwork: MeshNetwork {
    package nonisolated var unownedExecutor: UnownedSerialExecutor { self.host.unownedExecutor }
    let host: Host
    let table: DistributedHashTable
    private let store: TableStore
    private let bootstrapAddresses: [Multiaddr]
    private let logger: Logger
    /// Whether a peer of the table has been reached since the start.
    private var hasReachedTable = false
    private var joining: Task<Void, Never>?
    private var isStopped = false

    private init(host: Host, table: DistributedHashTable, store: TableStore, bootstrap: [Multiaddr], logger: Logger) {
        self.host = host
        self.table = table
        self.store = store
        self.bootstrapAddresses = bootstrap
        self.logger = logger
    }

    isolated deinit {}

    /// Listens, answers, and begins to join the mesh; ``isReady()`` says when that succeeded.
    ///
    /// - Throws: when a port is taken or what is kept cannot be read; nothing is left running then.
    package static func start(
        _ configuration: AgentConfiguration, identity: KeyPair, folder: DataFolder, on loop: EventLoop, logger: Logger
    ) async throws -> OverlayNetwork {
        let store = try await offLoop { () throws in try TableStore(in: folder) }
        var hostConfiguration = HostConfiguration()
        hostConfiguration.agentVersion = "dsmp/" + configuration.agentVersion
        let host = try Host(
            identity: identity, on: loop, configuration: hostConfiguration, store: DiskPeerStore(store), logger: logger)
        await host.start()
        do {
            for address in configuration.listenAddresses { try await host.listen(on: address) }
            let table = try await Self.table(on: host, store, logger)
            await table.start()
            let network = OverlayNetwork(
                host: host, table: table, store: store, bootstrap: configuration.bootstrapAddresses, logger: logger)
            await network.join()
            return network
        } catch {
            await host.shutdown()
            try? store.close()
            throw error
        }
    }

    private static func table(on host: Host, _ store: TableStore, _ logger: Logger) async throws -> DistributedHashTable
    {
        var validators = ValidatorRegistry()
        for namespace in MeshRecordValidator.namespaces { validators.register(MeshRecordValidator(), for: namespace) }
        let (records, providers) = try await offLoop { () throws in
            (try DiskRecordStore(store), try DiskProviderStore(store))
        }
        return try DistributedHashTable(
            on: host, validators: validators, records: records, providers: providers,
            tableStore: DiskRoutingTableStore(store), logger: logger)
    }

    // MARK: Joining

    /// Asks the bootstrap peers. When none answers the table asks again by itself, again and again.
    private func join() {
        guard !self.bootstrapAddresses.isEmpty else { return }
        self.joining = Task(executorPreference: self.host.loop.taskExecutor) { [weak self] in
            guard let self else { return }
            do throws(DistributedHashTableError) {
                _ = try await self.table.bootstrap(self.bootstrapAddresses)
            } catch {
                self.logger.warning("the mesh was not reached yet: \(error)")
            }
        }
    }

    package func isReady() async -> Bool {
        guard !self.isStopped else { return false }
        if self.bootstrapAddresses.isEmpty || self.hasReachedTable { return true }
        self.hasReachedTable = await !self.table.routingTable.peers.isEmpty
        return self.hasReachedTable
    }

    package func stop() async {
        guard !self.isStopped else { return }
        self.isStopped = true
        self.joining?.cancel()
        await self.table.stop()
        await self.host.shutdown()
        do throws(StorageError) {
            try self.store.close()
        } catch {
            self.logger.error("what is kept of the mesh was not closed: \(error)")
        }
    }

    // MARK: Streams

    package func openStream(to peer: PeerID, protocolID: String) async throws(NetworkError) -> any MeshStream {
        do throws(HostError) {
            return OverlayStream(try await self.host.openStream(to: peer, protocols: [protocolID]))
        } catch {
            guard error.mayBeElsewhere else { throw NetworkError(error) }
        }
        // Nobody answers where the peer was known to be: the table may know better.
        let address = try await self.findPeer(peer)
        do throws(HostError) {
            return OverlayStream(
                try await self.host.openStream(to: peer, protocols: [protocolID], addresses: address.addresses))
        } catch { throw NetworkError(error) }
    }

    package func handle(_ protocolID: String, _ handler: @escaping @Sendable (any MeshStream) async -> Void) async {
        await self.host.handle(protocolID) { await handler(OverlayStream($0)) }
    }
}
