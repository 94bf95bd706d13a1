package import Mesh

/// Everything a person or a program can ask of a running agent: the seam between the agent and its control surface.
///
/// The agent implements it; the server carries it over HTTP (Specs/control-api.md) and depends on nothing else of the
/// agent. Every method may be called from any task and at the same time as any other. A worker is named in full
/// (`dsmp://<publisher>/<name>`) or by a bare name, which resolves among local workers and own subscriptions only.
package protocol AgentControl: Sendable {
    /// What the agent is and whether it is ready.
    func status() async throws(ControlError) -> AgentStatus
    /// Checks that only the running agent can make.
    func doctor() async throws(ControlError) -> [DoctorFinding]
    /// Every bound the agent enforces, with its unit and, where it is counted, the present use.
    func limits() async throws(ControlError) -> [LimitReport]
    /// Totals for `/metrics`. Nothing in them may name a private worker.
    func counters() async throws(ControlError) -> AgentCounters

    /// Packs the folder, starts the worker here and publishes its descriptor; a second time it replaces the first.
    func publish(_ request: PublishRequest) async throws(ControlError) -> PublishedWorker
    /// Withdraws the descriptor and stops the worker on this agent.
    func unpublish(_ request: WorkerReference) async throws(ControlError) -> WorkerSummary
    /// The workers published from or hosted on this agent.
    func workers() async throws(ControlError) -> [WorkerSummary]
    /// All that is known about one worker, local or found on the mesh.
    func worker(_ request: WorkerReference) async throws(ControlError) -> WorkerDetail
    /// The kept log of a worker that runs here.
    func logs(_ request: LogsRequest) async throws(ControlError) -> LogPage
    /// Hosts a worker of another publisher, who must have granted it to this agent.
    func host(_ request: HostRequest) async throws(ControlError) -> WorkerSummary
    /// Signs a grant as the publisher of the worker: for a host to run it, or for a consumer to call a private one.
    func grant(_ request: GrantRequest) async throws(ControlError) -> GrantSummary
    /// Takes a grant back; for a private worker this rotates the group's secret and seals the descriptor anew.
    func revoke(_ request: RevokeRequest) async throws(ControlError) -> RevokeSummary
    /// Public workers on the mesh, and private ones this agent may call, that match the query.
    func find(_ request: FindRequest) async throws(ControlError) -> [FoundWorker]

    /// Signs and keeps a subscription; subscribing twice returns the first.
    func subscribe(_ request: WorkerReference) async throws(ControlError) -> SubscriptionSummary
    /// Ends a subscription.
    func unsubscribe(_ request: WorkerReference) async throws(ControlError) -> SubscriptionSummary
    func subscriptions() async throws(ControlError) -> [SubscriptionSummary]
    /// Opens a call to a host of the worker. The exchange carries the messages of both directions and how it ended;
    /// whoever opened it must drain or cancel it.
    func call(_ request: CallRequest) async throws(ControlError) -> any CallExchange

    /// The peers this agent is connected to.
    func peers() async throws(ControlError) -> [PeerSummary]
    /// The routing table, or the peers in it closest to a target.
    func route(_ request: RouteRequest) async throws(ControlError) -> [RouteEntry]
    func ping(_ request: PingRequest) async throws(ControlError) -> PingReport

    func getRecord(_ request: RecordRequest) async throws(ControlError) -> RecordReply
    func putRecord(_ request: PutRecordRequest) async throws(ControlError) -> RecordReply
    /// Announces this agent as a provider of a CID.
    func provide(_ request: ContentRequest) async throws(ControlError) -> ProvidersReply
    func providers(_ request: ContentRequest) async throws(ControlError) -> ProvidersReply
    func findPeer(_ request: PeerRequest) async throws(ControlError) -> PeerReply
}
