import ControlAPI
import Mesh
import Synchronization

/// An agent that answers every verb with a sample and remembers what it was asked.
final class FakeAgent: AgentControl {
    private struct State {
        var asked: [String] = []
        var failure: ControlError?
        var calls: [CallRequest] = []
    }

    private let state = Mutex(State())
    private let makeExchange: @Sendable (CallRequest) throws(ControlError) -> any CallExchange

    init(exchange: @escaping @Sendable (CallRequest) throws(ControlError) -> any CallExchange = { _ in Pipe() }) {
        self.makeExchange = exchange
    }

    /// The verbs that were asked, in order.
    var asked: [String] { self.state.withLock { $0.asked } }
    var calls: [CallRequest] { self.state.withLock { $0.calls } }

    /// Makes every verb fail from now on; nil ends that.
    func fail(with error: ControlError?) { self.state.withLock { $0.failure = error } }

    private func note<Value>(_ verb: String, _ value: Value) throws(ControlError) -> Value {
        let failure = self.state.withLock { state in
            state.asked.append(verb)
            return state.failure
        }
        if let failure { throw failure }
        return value
    }

    func status() async throws(ControlError) -> AgentStatus { try self.note("status", Sample.status) }
    func doctor() async throws(ControlError) -> [DoctorFinding] { try self.note("doctor", []) }
    func limits() async throws(ControlError) -> [LimitReport] {
        try self.note("limits", [LimitReport(name: "streams", unit: "streams", limit: 256, used: 3)])
    }
    func counters() async throws(ControlError) -> AgentCounters { try self.note("counters", Sample.counters) }
    func publish(_ request: PublishRequest) async throws(ControlError) -> PublishedWorker {
        try self.note("publish \(request.folder)", Sample.published)
    }
    func unpublish(_ request: WorkerReference) async throws(ControlError) -> WorkerSummary {
        try self.note("unpublish \(request.worker)", Sample.summary)
    }
    func workers() async throws(ControlError) -> [WorkerSummary] { try self.note("workers", [Sample.summary]) }
    func worker(_ request: WorkerReference) async throws(ControlError) -> WorkerDetail {
        try self.note("worker \(request.worker)", Sample.detail)
    }
    func logs(_ request: LogsRequest) async throws(ControlError) -> LogPage {
        try self.note("logs \(request.lines)", LogPage(lines: [LogLine(number: 1, unixMilliseconds: 2, text: "hello")]))
    }
    func host(_ request: HostRequest) async throws(ControlError) -> WorkerSummary {
        try self.note("host \(request.worker)", Sample.summary)
    }
    func grant(_ request: GrantRequest) async throws(ControlError) -> GrantSummary {
        try self.note("grant \(request.role)", Sample.grant)
    }
    func revoke(_ request: RevokeRequest) async throws(ControlError) -> RevokeSummary {
        try self.note("revoke", RevokeSummary(worker: Sample.name, peer: request.peer, revoked: [.host], epoch: 2))
    }
    func find(_ request: FindRequest) async throws(ControlError) -> [FoundWorker] {
        try self.note("find \(request.query)", [Sample.found])
    }
    func subscribe(_ request: WorkerReference) async throws(ControlError) -> SubscriptionSummary {
        try self.note("subscribe", Sample.subscription)
    }
    func unsubscribe(_ request: WorkerReference) async throws(ControlError) -> SubscriptionSummary {
        try self.note("unsubscribe", Sample.subscription)
    }
    func subscriptions() async throws(ControlError) -> [SubscriptionSummary] {
        try self.note("subscriptions", [Sample.subscription])
    }
    func call(_ request: CallRequest) async throws(ControlError) -> any CallExchange {
        self.state.withLock { $0.calls.append(request) }
        return try self.note("call", try self.makeExchange(request))
    }
    func peers() async throws(ControlError) -> [PeerSummary] { try self.note("peers", [Sample.peer]) }
    func route(_ request: RouteRequest) async throws(ControlError) -> [RouteEntry] {
        try self.note("route", [RouteEntry(peerID: "peer", sharedBits: 3, addresses: [], connected: true)])
    }
    func ping(_ request: PingRequest) async throws(ControlError) -> PingReport {
        try self.note("ping \(request.count)", PingReport(peerID: request.peer, roundTripMicroseconds: [210]))
    }
    func getRecord(_ request: RecordRequest) async throws(ControlError) -> RecordReply {
        try self.note("get", RecordReply(key: request.key, value: Base64Bytes([0, 255]), peers: 2))
    }
    func putRecord(_ request: PutRecordRequest) async throws(ControlError) -> RecordReply {
        try self.note("put \(request.value.bytes)", RecordReply(key: request.key, value: request.value, peers: 3))
    }
    func provide(_ request: ContentRequest) async throws(ControlError) -> ProvidersReply {
        try self.note("provide", ProvidersReply(cid: request.cid, providers: [], announced: 4))
    }
    func providers(_ request: ContentRequest) async throws(ControlError) -> ProvidersReply {
        try self.note("providers", ProvidersReply(cid: request.cid, providers: [Sample.contact]))
    }
    func findPeer(_ request: PeerRequest) async throws(ControlError) -> PeerReply {
        try self.note("findPeer", Sample.contact)
    }
}

/// Values that the fake agent answers with.
enum Sample {
    static let name = "dsmp://12D3KooWBpNePxGJkoA1mRT5dUY9AJFGzJGVYKzDmTeZfZjCJWSx/digest"
    static let status = AgentStatus(
        peerID: "peer", addresses: ["/ip4/127.0.0.1/tcp/1/p2p/peer"], version: "1", uptimeSeconds: 5, peers: 2,
        workers: 1, api: nil, ready: true, dataFolder: "/data", processID: 7)
    static let counters = AgentCounters(
        uptimeSeconds: 5, connectedPeers: 2, runningWorkers: 1, callsServed: 9, callsServedFailed: 2)
    static let published = PublishedWorker(worker: name, release: "bafk", sequence: 4, visibility: .public)
    static let summary = WorkerSummary(
        worker: name, kind: "library", visibility: .public, state: .running, published: true, release: "bafk")
    static let detail = WorkerDetail(
        worker: name, publisher: "peer", kind: "library", summary: "SHA-256", methods: ["sha256"], tags: ["hash"],
        visibility: .public, release: "bafk", sequence: 4, expiresUnixMilliseconds: 9, hosts: ["peer"])
    static let grant = GrantSummary(
        worker: name, peer: "peer", role: .host, release: "bafk", expiresUnixMilliseconds: 9, grant: "AA==")
    static let found = FoundWorker(
        worker: name, publisher: "peer", hosts: ["peer"], tags: ["hash"], visibility: .public, kind: "library",
        summary: "SHA-256")
    static let subscription = SubscriptionSummary(
        worker: name, publisher: "peer", visibility: .public, sinceUnixMilliseconds: 3)
    static let peer = PeerSummary(
        peerID: "peer", address: "/ip4/127.0.0.1/tcp/1", direction: .inbound, agentVersion: "go", connectedSeconds: 3,
        streams: 1)
    static let contact = PeerReply(peerID: "peer", addresses: ["/ip4/127.0.0.1/tcp/1"])
}
