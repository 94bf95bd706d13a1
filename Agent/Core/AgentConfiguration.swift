package import Wire

/// How one agent is set up. Everything that a person can choose, and the times that tests shorten.
package struct AgentConfiguration: Sendable {
    /// Holds everything of the agent; made when it is not there.
    package var dataFolder: String
    /// Where to listen, such as `/ip4/0.0.0.0/tcp/4001`; port 0 takes a free one.
    package var listenAddresses: [Multiaddr]
    /// Peers to join the mesh through, each ending with its peer id.
    package var bootstrapAddresses: [Multiaddr]
    /// For people, such as `dsmp/0.1.0`.
    package var agentVersion: String
    /// The operator's grants to workers; nil takes `policy.yaml` in the data folder, or the standard when there is none.
    package var policyFile: String?
    /// The path of `dsmp-jail`; nil takes the one beside the executable.
    package var jailHelper: String?
    package var times = Times()
    /// Wall time; tests turn it forward.
    package var clock = AgentClock.system

    /// How long things last, in milliseconds.
    package struct Times: Sendable {
        /// Of a descriptor and a sealed record; renewed after a third of it.
        package var descriptorLifetime: UInt64 = 86_400_000
        /// Of a host grant for which no end was given.
        package var grantLifetime: UInt64 = 90 * 86_400_000
        /// Of the grant that an agent gives itself; renewed with the descriptor.
        package var ownGrantLifetime: UInt64 = 7 * 86_400_000
        /// Between two looks at what has to be renewed.
        package var maintenance: UInt64 = 30_000
        /// Between two looks of a host at the slot of a private worker.
        package var slotCheck: UInt64 = 300_000
        /// What was found about the hosts of a worker is used this long.
        package var discoveryFresh: UInt64 = 60_000
        /// For one question to one peer.
        package var question: UInt64 = 10_000
        /// For withdrawing descriptors when the agent stops.
        package var withdrawal: UInt64 = 3_000

        package init() {}
    }

    package init(
        dataFolder: String, listenAddresses: [Multiaddr], bootstrapAddresses: [Multiaddr] = [], agentVersion: String
    ) {
        self.dataFolder = dataFolder
        self.listenAddresses = listenAddresses
        self.bootstrapAddresses = bootstrapAddresses
        self.agentVersion = agentVersion
    }
}
