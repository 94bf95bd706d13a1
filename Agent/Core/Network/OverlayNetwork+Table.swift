package import Identity
import Kademlia
import Libp2p
import Libuv
import Overlay
package import Wire

/// The distributed hash table, and what is known of peers.
extension OverlayNetwork {
    package func putValue(key: [UInt8], value: [UInt8]) async throws(NetworkError) -> Int {
        do throws(DistributedHashTableError) {
            return try await self.table.putValue(value, forKey: key).count
        } catch { throw NetworkError(error) }
    }

    package func getValue(key: [UInt8]) async throws(NetworkError) -> [UInt8]? {
        do throws(DistributedHashTableError) {
            return try await self.table.value(forKey: key)
        } catch { throw NetworkError(error) }
    }

    package func withdrawValue(key: [UInt8]) async { await self.table.withdrawValue(forKey: key) }

    package func provide(key: [UInt8]) async throws(NetworkError) -> Int {
        do throws(DistributedHashTableError) {
            return try await self.table.provide(key).count
        } catch { throw NetworkError(error) }
    }

    package func withdrawProvider(key: [UInt8]) async { await self.table.stopProviding(key) }

    package func providers(key: [UInt8], limit: Int) async throws(NetworkError) -> [PeerAddress] {
        let contacts: [PeerContact]
        do throws(DistributedHashTableError) {
            contacts = try await self.table.findProviders(of: key)
        } catch { throw NetworkError(error) }
        var found: [PeerAddress] = []
        for contact in contacts where contact.id != self.host.peerID && found.count < limit {
            await self.host.remember(contact.addresses, of: contact.id)
            found.append(PeerAddress(peer: contact.id, addresses: contact.addresses))
        }
        return found
    }

    package func findPeer(_ peer: PeerID) async throws(NetworkError) -> PeerAddress {
        do throws(DistributedHashTableError) {
            let contact = try await self.table.findPeer(peer)
            return PeerAddress(peer: peer, addresses: contact.addresses)
        } catch { throw NetworkError(error) }
    }

    package func addAddresses(_ addresses: [Multiaddr], of peer: PeerID) async {
        await self.host.remember(addresses, of: peer)
    }

    package func connect(to address: Multiaddr) async throws(NetworkError) -> PeerID {
        do throws(HostError) { return try await self.host.connect(to: address) } catch { throw NetworkError(error) }
    }

    package func ownAddresses() async -> [Multiaddr] { await self.host.addresses }

    package func connections() async -> [PeerLink] {
        let now = MonotonicClock.nowMilliseconds
        return await self.host.connectedPeers.flatMap { peer in
            peer.connections.map { connection in
                PeerLink(
                    peer: peer.peer, address: connection.remoteAddress, isInbound: connection.isInbound,
                    agentVersion: peer.description?.agentVersion ?? "",
                    connectedMilliseconds: now - min(now, connection.openedMilliseconds),
                    streams: connection.streamCount)
            }
        }
    }

    package func routingTable() async -> [PeerAddress] {
        await self.table.routingTable.peers.map { PeerAddress(peer: $0.contact.id, addresses: $0.contact.addresses) }
    }

    package func ping(_ peer: PeerID) async throws(NetworkError) -> UInt64 {
        if await !self.host.isConnected(to: peer) {
            // Dialling is no part of the round trip.
            let addresses = await self.host.knownAddresses(of: peer)
            let found = addresses.isEmpty ? try await self.findPeer(peer).addresses : addresses
            do throws(HostError) {
                try await self.host.connect(to: peer, addresses: found)
            } catch { throw NetworkError(error) }
        }
        do {
            return try await self.host.ping(peer) / 1_000
        } catch let error as HostError {
            throw NetworkError(error)
        } catch let error as StreamError {
            throw error == .closedLocally ? .timedOut : NetworkError(error)
        } catch {
            throw .malformed("\(error)")
        }
    }

    package func limits() async -> [NetworkLimit] {
        let limits = self.host.configuration.limits
        let peers = await self.host.connectedPeers
        let table = await self.table.routingTable
        func limit(_ name: String, _ unit: String, _ value: Int, used: Int? = nil) -> NetworkLimit {
            NetworkLimit(name: name, unit: unit, limit: UInt64(value), used: used.map(UInt64.init))
        }
        return [
            limit(
                "connections", "connections", limits.maximumConnections,
                used: peers.reduce(0) { $0 + $1.connections.count }),
            limit("connections opened by peers", "connections", limits.maximumInboundConnections),
            limit("connections not yet authenticated", "connections", limits.maximumUnauthenticatedConnections),
            limit("connections opened by one address", "connections", limits.maximumInboundConnectionsPerAddress),
            limit("streams opened by peers", "streams", limits.maximumInboundStreams),
            limit("streams opened by one peer", "streams", limits.maximumInboundStreamsPerConnection),
            limit("dials at once", "dials", limits.maximumConcurrentDials),
            limit("values of the table", "records", KademliaLimits.maximumValueCount),
            limit("longest value of the table", "bytes", KademliaLimits.maximumValueByteCount),
            limit("providers in the table", "records", KademliaLimits.maximumProviderCount),
            limit("providers of one key", "records", KademliaLimits.maximumProvidersPerKey),
            limit(
                "lookups and publications", "operations", KademliaLimits.maximumOperations, used: table.operationCount),
            limit("questions to peers", "questions", KademliaLimits.maximumQueries, used: table.queryCount),
        ]
    }
}
