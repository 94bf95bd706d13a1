import Identity
import Kademlia
import Libp2p
import Libuv
package import Wire

/// Who is in the network: bootstrap, identify, and looking for more peers when there are few.
extension DistributedHashTable {
    /// Joins the network: connects to the addresses, which end in peer ids, and finds the peers closest to this one.
    ///
    /// The addresses are remembered, and tried again while the table has few peers.
    ///
    /// - Throws: ``DistributedHashTableError/notBootstrapped(_:)`` when there are addresses and none leads to a peer that
    ///   serves this network.
    @discardableResult package func bootstrap(
        _ addresses: [Multiaddr]
    ) async throws(DistributedHashTableError) -> BootstrapReport {
        for address in addresses where !self.bootstrapAddresses.contains(address) {
            self.bootstrapAddresses.append(address)
        }
        var report = await self.connect(to: addresses)
        guard addresses.isEmpty || !report.connected.isEmpty else { throw .notBootstrapped(report.failures) }
        _ = try await self.perform(.closestPeers(key: self.host.peerID.bytes))
        report.tableCount = self.node.table.count
        return report
    }

    /// The table as it is now.
    package var routingTable: RoutingTableSummary {
        let now = self.now.monotonicMilliseconds
        let own = self.node.table.ownKey
        return RoutingTableSummary(
            protocolID: self.protocolID, mode: self.configuration.mode,
            peers: self.node.table.entries.map { entry in
                RoutingTableSummary.Peer(
                    contact: entry.contact, commonPrefixLength: own.commonPrefixLength(with: entry.key),
                    idleMilliseconds: now - min(now, entry.usefulAtMilliseconds), isHealthy: entry.isHealthy)
            },
            bucketCounts: self.node.table.bucketCounts, operationCount: self.node.load.operations,
            queryCount: self.node.load.queries)
    }

    /// Refreshes the table now instead of at the next interval.
    package func refresh() { self.apply(.refresh) }

    /// What identify says about a peer, as the node wants to know it.
    func identified(_ peer: PeerID, _ description: PeerDescription) {
        let addresses = description.record?.addresses ?? description.listenAddresses ?? []
        let contact = PeerContact(id: peer, addresses: addresses.compactMap(\.withoutPeerID))
        let isServer = description.protocols?.contains(self.protocolID) ?? false
        self.apply(.identified(contact, isServer: isServer))
    }

    /// Dials the bootstrap addresses that are not connected, and offers all connected peers to the table again.
    func seekPeers() {
        guard self.seekTask == nil, self.isRunning else { return }
        self.seekTask = Task(executorPreference: self.loop.taskExecutor) { [weak self] in
            guard let self else { return }
            await self.seekOnce()
        }
    }

    private func seekOnce() async {
        _ = await self.connect(to: self.bootstrapAddresses)
        for peer in await self.host.connectedPeers {
            if self.isRunning, let description = peer.description { self.identified(peer.peer, description) }
        }
        self.seekTask = nil
    }

    /// Connects to all addresses at once and waits until each peer has said what it serves.
    private func connect(to addresses: [Multiaddr]) async -> BootstrapReport {
        await withTaskGroup(of: (Int, Result<PeerID, BootstrapFailure>).self) { group in
            for (index, address) in addresses.enumerated() {
                group.addTask(executorPreference: self.loop.taskExecutor) {
                    (index, await self.connect(to: address))
                }
            }
            var outcomes: [(Int, Result<PeerID, BootstrapFailure>)] = []
            for await outcome in group { outcomes.append(outcome) }
            var report = BootstrapReport()
            for (index, outcome) in outcomes.sorted(by: { $0.0 < $1.0 }) {
                switch outcome {
                case .success(let peer): if !report.connected.contains(peer) { report.connected.append(peer) }
                case .failure(let failure):
                    report.failures.append(BootstrapReport.Failure(address: addresses[index], reason: failure.reason))
                }
            }
            return report
        }
    }

    private struct BootstrapFailure: Error { let reason: String }

    private func connect(to address: Multiaddr) async -> Result<PeerID, BootstrapFailure> {
        do throws(HostError) {
            let peer = try await self.host.connect(to: address)
            let description = try await self.host.description(of: peer)
            self.identified(peer, description)
            guard description.protocols?.contains(self.protocolID) == true else {
                return .failure(BootstrapFailure(reason: "it does not serve \(self.protocolID)"))
            }
            return .success(peer)
        } catch {
            return .failure(BootstrapFailure(reason: error.description))
        }
    }
}
