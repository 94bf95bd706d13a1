/// What an agent says about itself (`dsmp status`).
package struct AgentStatus: Sendable, Hashable, Codable {
    package var peerID: String
    /// Where peers can dial it, as multiaddrs that end with its peer id.
    package var addresses: [String]
    package var version: String
    package var uptimeSeconds: UInt64
    /// Connected peers.
    package var peers: Int
    /// Workers that run here.
    package var workers: Int
    /// Where the TCP control surface listens, as `http://host:port`; nil without `--api`.
    package var api: String?
    /// Whether it listens and, when it was given bootstrap addresses, has reached one.
    package var ready: Bool
    package var dataFolder: String
    package var processID: Int32

    package init(
        peerID: String, addresses: [String], version: String, uptimeSeconds: UInt64, peers: Int, workers: Int,
        api: String?, ready: Bool, dataFolder: String, processID: Int32
    ) {
        self.peerID = peerID
        self.addresses = addresses
        self.version = version
        self.uptimeSeconds = uptimeSeconds
        self.peers = peers
        self.workers = workers
        self.api = api
        self.ready = ready
        self.dataFolder = dataFolder
        self.processID = processID
    }

    /// Written by hand because `api` must be present as null, which the synthesised form leaves out.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.peerID, forKey: .peerID)
        try container.encode(self.addresses, forKey: .addresses)
        try container.encode(self.version, forKey: .version)
        try container.encode(self.uptimeSeconds, forKey: .uptimeSeconds)
        try container.encode(self.peers, forKey: .peers)
        try container.encode(self.workers, forKey: .workers)
        try container.encode(self.api, forKey: .api)
        try container.encode(self.ready, forKey: .ready)
        try container.encode(self.dataFolder, forKey: .dataFolder)
        try container.encode(self.processID, forKey: .processID)
    }
}

/// Totals since the agent started, for `/metrics`. Private workers are counted, never named.
package struct AgentCounters: Sendable, Hashable, Codable {
    package var uptimeSeconds: UInt64
    package var connectedPeers: Int
    package var runningWorkers: Int
    package var callsServed: UInt64
    package var callsServedFailed: UInt64
    package var callsMade: UInt64
    package var callsMadeFailed: UInt64
    package var workerRestarts: UInt64

    package init(
        uptimeSeconds: UInt64, connectedPeers: Int, runningWorkers: Int, callsServed: UInt64 = 0,
        callsServedFailed: UInt64 = 0, callsMade: UInt64 = 0, callsMadeFailed: UInt64 = 0, workerRestarts: UInt64 = 0
    ) {
        self.uptimeSeconds = uptimeSeconds
        self.connectedPeers = connectedPeers
        self.runningWorkers = runningWorkers
        self.callsServed = callsServed
        self.callsServedFailed = callsServedFailed
        self.callsMade = callsMade
        self.callsMadeFailed = callsMadeFailed
        self.workerRestarts = workerRestarts
    }
}
