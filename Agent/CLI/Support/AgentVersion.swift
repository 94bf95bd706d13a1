/// The version of this executable.
enum AgentVersion {
    static let text = "0.2.0"
}
