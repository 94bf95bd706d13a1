import Core
import Identity
import Mesh
import Synchronization
import Wire

/// A mesh in memory: every peer reaches every other, and one table holds all records, checked by the rules of the mesh.
final class MemoryMesh: Sendable {
    struct Link {
        let caller: PeerID
        let host: PeerID
        let protocolID: String
        let toHost: MemoryPipe
        let toCaller: MemoryPipe
    }

    struct State {
        var nodes: [PeerID: MemoryNetwork] = [:]
        var values: [[UInt8]: [UInt8]] = [:]
        var providers: [[UInt8]: [PeerID]] = [:]
        var links: [Link] = []
        var unreachable: Set<PeerID> = []
    }

    let state = Mutex(State())
    let clock: AgentClock

    init(clock: AgentClock) { self.clock = clock }

    /// Everything that anybody stored or announced, for tests of what shows.
    var everythingStored: [[UInt8]] {
        self.state.withLock { state in
            state.values.flatMap { [$0.key, $0.value] } + Array(state.providers.keys)
        }
    }

    /// Cuts a peer off as if its machine had lost power.
    func cutOff(_ peer: PeerID) {
        let links = self.state.withLock { state in
            state.unreachable.insert(peer)
            return state.links.filter { $0.caller == peer || $0.host == peer }
        }
        for link in links {
            link.toHost.reset()
            link.toCaller.reset()
        }
    }

    func restore(_ peer: PeerID) { _ = self.state.withLock { $0.unreachable.remove(peer) } }

    /// What was sent both ways on the streams of one caller to one host, by protocol.
    func links(from caller: PeerID, to host: PeerID, _ protocolID: String) -> [Link] {
        self.state.withLock { state in
            state.links.filter { $0.caller == caller && $0.host == host && $0.protocolID == protocolID }
        }
    }
}

/// One peer's view of a ``MemoryMesh``.
final class MemoryNetwork: MeshNetwork {
    typealias Handler = @Sendable (any MeshStream) async -> Void

    let mesh: MemoryMesh
    let peer: PeerID
    private let handlers = Mutex<[String: Handler]>([:])

    init(_ mesh: MemoryMesh, _ peer: PeerID) {
        self.mesh = mesh
        self.peer = peer
        mesh.state.withLock { state in
            state.nodes[peer] = self
            state.unreachable.remove(peer)
        }
    }

    func openStream(to peer: PeerID, protocolID: String) async throws(NetworkError) -> any MeshStream {
        let node = self.mesh.state.withLock { state in
            state.unreachable.contains(peer) || state.unreachable.contains(self.peer) ? nil : state.nodes[peer]
        }
        guard let node else { throw .unreachable("it does not answer") }
        guard let handler = node.handlers.withLock({ $0[protocolID] }) else { throw .protocolRefused }
        let (toHost, toCaller) = (MemoryPipe(), MemoryPipe())
        self.mesh.state.withLock { state in
            state.links.append(
                .init(caller: self.peer, host: peer, protocolID: protocolID, toHost: toHost, toCaller: toCaller))
        }
        let far = MemoryStream(peer: self.peer, input: toHost, output: toCaller)
        Task { await handler(far) }
        return MemoryStream(peer: peer, input: toCaller, output: toHost)
    }

    func handle(_ protocolID: String, _ handler: @escaping Handler) async {
        self.handlers.withLock { $0[protocolID] = handler }
    }

    func putValue(key: [UInt8], value: [UInt8]) async throws(NetworkError) -> Int {
        let now = self.mesh.clock.unixMilliseconds
        do {
            let record = try MeshRecord(key: key, value: value, unixMilliseconds: now)
            self.mesh.state.withLock { state in
                let held = state.values[key].flatMap { try? MeshRecord(key: key, value: $0, unixMilliseconds: now) }
                if held.map(record.replaces) ?? true { state.values[key] = value }
            }
            return 1
        } catch {
            throw .refusedRecord("\(error)")
        }
    }

    func getValue(key: [UInt8]) async throws(NetworkError) -> [UInt8]? {
        let now = self.mesh.clock.unixMilliseconds
        guard let value = self.mesh.state.withLock({ $0.values[key] }),
            (try? MeshRecord(key: key, value: value, unixMilliseconds: now)) != nil
        else { return nil }
        return value
    }

    func withdrawValue(key: [UInt8]) async {}

    func provide(key: [UInt8]) async throws(NetworkError) -> Int {
        self.mesh.state.withLock { state in
            if state.providers[key]?.contains(self.peer) != true { state.providers[key, default: []].append(self.peer) }
        }
        return 1
    }

    func withdrawProvider(key: [UInt8]) async {
        self.mesh.state.withLock { state in state.providers[key]?.removeAll { $0 == self.peer } }
    }

    func providers(key: [UInt8], limit: Int) async throws(NetworkError) -> [PeerAddress] {
        self.mesh.state.withLock { $0.providers[key] ?? [] }.prefix(limit).map { PeerAddress(peer: $0) }
    }

    func findPeer(_ peer: PeerID) async throws(NetworkError) -> PeerAddress {
        guard self.mesh.state.withLock({ $0.nodes[peer] }) != nil else { throw .unreachable("nobody knows it") }
        return PeerAddress(peer: peer)
    }

    func addAddresses(_ addresses: [Multiaddr], of peer: PeerID) async {}
    func connect(to address: Multiaddr) async throws(NetworkError) -> PeerID { throw .unreachable("no sockets here") }
    func ownAddresses() async -> [Multiaddr] { (try? [Multiaddr("/ip4/127.0.0.1/tcp/4001")]) ?? [] }

    func connections() async -> [PeerLink] {
        self.mesh.state.withLock { state in
            state.nodes.keys.filter { $0 != self.peer && !state.unreachable.contains($0) }.sorted().map {
                PeerLink(
                    peer: $0, address: nil, isInbound: false, agentVersion: "test", connectedMilliseconds: 0, streams: 0
                )
            }
        }
    }

    func routingTable() async -> [PeerAddress] { await self.connections().map { PeerAddress(peer: $0.peer) } }
    func ping(_ peer: PeerID) async throws(NetworkError) -> UInt64 { 1 }
    func isReady() async -> Bool { true }
    func limits() async -> [NetworkLimit] { [] }

    func stop() async {
        self.handlers.withLock { $0 = [:] }
        self.mesh.cutOff(self.peer)
    }
}
