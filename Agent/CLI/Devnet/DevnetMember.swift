/// One agent of a devnet, as `dsmp devnet up --json` prints it.
struct DevnetMember: Codable, Hashable {
    var index: Int
    var data: String
    var peerID: String
    var addresses: [String]
    /// Nil without `--api`.
    var api: String?
    var pid: Int32
    /// When the process started, in the kernel's ticks since boot: tells it from a later one with its number.
    var startTicks: UInt64
    /// `running`, `not answering`, `crashed`, `frozen` or `gone`.
    var state: String
    var fault: DevnetFault.Kind?

    /// Written by hand because `api` must be present as null.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.index, forKey: .index)
        try container.encode(self.data, forKey: .data)
        try container.encode(self.peerID, forKey: .peerID)
        try container.encode(self.addresses, forKey: .addresses)
        try container.encode(self.api, forKey: .api)
        try container.encode(self.pid, forKey: .pid)
        try container.encode(self.startTicks, forKey: .startTicks)
        try container.encode(self.state, forKey: .state)
        try container.encodeIfPresent(self.fault, forKey: .fault)
    }
}
