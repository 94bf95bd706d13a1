package import ControlAPI
import Cryptography
import Identity
import Wire

/// Looking at the network and at the distributed hash table.
extension Agent {
    package func peers() async throws(ControlError) -> [PeerSummary] {
        await self.network.connections().sorted { $0.peer < $1.peer }.map { connection in
            PeerSummary(
                peerID: connection.peer.description, address: connection.address?.description ?? "",
                direction: connection.isInbound ? .inbound : .outbound, agentVersion: connection.agentVersion,
                connectedSeconds: connection.connectedMilliseconds / 1_000, streams: connection.streams)
        }
    }

    package func route(_ request: RouteRequest) async throws(ControlError) -> [RouteEntry] {
        let target = try request.peer.map { text throws(ControlError) in try Self.peer(text) } ?? self.peerID
        let center = SHA256.digest(target.bytes)
        let connected = Set(await self.network.connections().map(\.peer))
        let table = await self.network.routingTable().map { entry in
            (entry: entry, distance: Self.distance(SHA256.digest(entry.peer.bytes), center))
        }
        return table.sorted { $0.distance.lexicographicallyPrecedes($1.distance) }.map { entry, distance in
            RouteEntry(
                peerID: entry.peer.description, sharedBits: Self.leadingZeroBits(distance),
                addresses: entry.addresses.map(\.description), connected: connected.contains(entry.peer))
        }
    }

    package func ping(_ request: PingRequest) async throws(ControlError) -> PingReport {
        let peer = try await self.reach(request.peer)
        var times: [UInt64] = []
        for _ in 0..<min(max(1, request.count), PingRequest.countLimit) {
            do throws(NetworkError) { times.append(try await self.network.ping(peer)) } catch {
                throw ControlError(error)
            }
        }
        return PingReport(peerID: peer.description, roundTripMicroseconds: times)
    }

    package func getRecord(_ request: RecordRequest) async throws(ControlError) -> RecordReply {
        do throws(NetworkError) {
            guard let value = try await self.network.getValue(key: Array(request.key.utf8)) else {
                throw NetworkError.refusedRecord("")
            }
            return RecordReply(key: request.key, value: Base64Bytes(value), peers: 1)
        } catch {
            if case .refusedRecord("") = error {
                throw ControlError(.notFound, "nobody has a valid record under \(request.key)")
            }
            throw ControlError(error)
        }
    }

    package func putRecord(_ request: PutRecordRequest) async throws(ControlError) -> RecordReply {
        do throws(NetworkError) {
            let peers = try await self.network.putValue(key: Array(request.key.utf8), value: request.value.bytes)
            return RecordReply(key: request.key, value: request.value, peers: peers)
        } catch { throw ControlError(error) }
    }

    package func provide(_ request: ContentRequest) async throws(ControlError) -> ProvidersReply {
        let cid = try Self.content(request.cid)
        do throws(NetworkError) {
            let announced = try await self.network.provide(key: cid.multihash.bytes)
            return ProvidersReply(cid: cid.description, providers: [], announced: announced)
        } catch { throw ControlError(error) }
    }

    package func providers(_ request: ContentRequest) async throws(ControlError) -> ProvidersReply {
        let cid = try Self.content(request.cid)
        do throws(NetworkError) {
            let found = try await self.network.providers(key: cid.multihash.bytes, limit: Self.maximumProviders)
            return ProvidersReply(cid: cid.description, providers: found.map(PeerReply.init))
        } catch { throw ControlError(error) }
    }

    package func findPeer(_ request: PeerRequest) async throws(ControlError) -> PeerReply {
        let peer = try Self.peer(request.peer)
        do throws(NetworkError) {
            return PeerReply(try await self.network.findPeer(peer))
        } catch { throw ControlError(error) }
    }

    // MARK: Arguments

    /// The peer of a peer id, or of a multiaddr that ends with one, which is connected to.
    private func reach(_ text: String) async throws(ControlError) -> PeerID {
        guard text.hasPrefix("/") else { return try Self.peer(text) }
        let address: Multiaddr
        do { address = try Multiaddr(text) } catch {
            throw ControlError(.usage, "\"\(text.prefix(120))\" is no multiaddr: \(error)")
        }
        do throws(NetworkError) { return try await self.network.connect(to: address) } catch {
            throw ControlError(error)
        }
    }

    private static func content(_ text: String) throws(ControlError) -> CID {
        do { return try CID(text) } catch {
            throw ControlError(.usage, "\"\(text.prefix(120))\" is no CID: \(error)")
        }
    }

    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] { zip(left, right).map { $0 ^ $1 } }

    private static func leadingZeroBits(_ distance: [UInt8]) -> Int {
        guard let index = distance.firstIndex(where: { $0 != 0 }) else { return 8 * distance.count }
        return 8 * index + distance[index].leadingZeroBitCount
    }
}

extension PeerReply {
    init(_ address: PeerAddress) {
        self.init(peerID: address.peer.description, addresses: address.addresses.map(\.description))
    }
}

extension ControlError {
    /// How a failure of the network is told.
    init(_ error: NetworkError) {
        let code: ControlErrorCode =
            switch error {
            case .unreachable, .closed: .unreachable
            case .protocolRefused: .refused
            case .timedOut: .timeout
            case .refusedRecord: .invalid
            case .malformed: .failed
            case .exhausted: .exhausted
            }
        self.init(code, error.description)
    }
}
